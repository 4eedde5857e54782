//! The terminals attached to a server, and the window that each shows.

use std::path::PathBuf;

use crate::os::tmux::Tmux;
use crate::os::tmux::error::TmuxError;

/// The name that the terminal reports comes last: it may contain anything but a line end.
const FORMAT: &str = "#{window_id} #{client_control_mode} #{client_flags}\t#{client_tty}\t#{client_termname}\t\
                       #{client_termtype}";

/// A terminal that shows a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedClient {
    /// `@N`.
    pub window_id: String,
    /// As the terminal reports it; one that does not report focus always counts as focused.
    pub focused: bool,
    pub terminal: PathBuf,
    /// The name that the terminal reports, else its `TERM`.
    pub kind: String,
}

impl Tmux {
    /// Empty if no server runs. Clients in control mode are programs and omitted.
    pub fn attached_clients(&self) -> Result<Vec<AttachedClient>, TmuxError> {
        let text = self.query_text("", &["list-clients", "-F", FORMAT])?.unwrap_or_default();
        Ok(text.lines().filter_map(AttachedClient::parse).collect())
    }
}

impl AttachedClient {
    fn parse(line: &str) -> Option<Self> {
        let mut texts = line.splitn(4, '\t');
        let mut words = texts.next()?.split(' ');
        let window_id = words.next()?.to_owned();
        let control_mode = words.next()? == "1";
        let focused = words.next()?.split(',').any(|flag| flag == "focused");
        let terminal = texts.next().filter(|tty| tty.starts_with('/'))?.into();
        let (name, own) = (texts.next()?, texts.next().unwrap_or_default());
        let kind = if own.is_empty() { name } else { own }.to_owned();
        (!control_mode).then_some(Self { window_id, focused, terminal, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_look_at_nothing() {
        let looker =
            AttachedClient::parse("@3 0 attached,focused,UTF-8\t/dev/pts/7\txterm-256color\tWezTerm 2024").unwrap();
        assert_eq!((looker.window_id.as_str(), looker.focused, looker.kind.as_str()), ("@3", true, "WezTerm 2024"));
        let away = AttachedClient::parse("@3 0 attached,UTF-8\t/dev/pts/7\txterm-kitty\t").unwrap();
        assert_eq!((away.focused, away.kind.as_str()), (false, "xterm-kitty"));
        assert_eq!(AttachedClient::parse("@3 1 attached,focused,control-mode\t\t\t"), None);
        assert_eq!(AttachedClient::parse("@3 0 attached,focused\t\txterm\t"), None);
    }
}
