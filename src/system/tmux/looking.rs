//! Who sits in front of a server now: the terminals of its clients, and the window each one shows.

use std::path::PathBuf;

use crate::system::tmux::Tmux;
use crate::system::tmux::client::Complaint;
use crate::system::tmux::error::TmuxError;

/// What a terminal says of itself comes last: it may hold anything but a line's end.
const LOOKERS: &str = "#{window_id} #{client_control_mode} #{client_flags}\t#{client_tty}\t#{client_termname}\t\
                       #{client_termtype}";

/// A terminal that shows a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looker {
    /// `@N`.
    pub window_id: String,
    /// As far as it tells: one that does not has it always.
    pub focused: bool,
    pub terminal: PathBuf,
    /// What it says of itself, else its `TERM`.
    pub kind: String,
}

impl Tmux {
    /// Nobody where there is no server. Programs in control mode look at nothing.
    pub fn lookers(&self) -> Result<Vec<Looker>, TmuxError> {
        let reply = self.ask(&["list-clients", "-F", LOOKERS])?;
        if !reply.ok {
            return match Complaint::read(&reply.stderr) {
                Complaint::NoServer | Complaint::NoSession => Ok(Vec::new()),
                _ => Err(self.failure("list-clients", "", &reply)),
            };
        }
        Ok(reply.stdout_text().lines().filter_map(Looker::parse).collect())
    }
}

impl Looker {
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
        let looker = Looker::parse("@3 0 attached,focused,UTF-8\t/dev/pts/7\txterm-256color\tWezTerm 2024").unwrap();
        assert_eq!((looker.window_id.as_str(), looker.focused, looker.kind.as_str()), ("@3", true, "WezTerm 2024"));
        let away = Looker::parse("@3 0 attached,UTF-8\t/dev/pts/7\txterm-kitty\t").unwrap();
        assert_eq!((away.focused, away.kind.as_str()), (false, "xterm-kitty"));
        assert_eq!(Looker::parse("@3 1 attached,focused,control-mode\t\t\t"), None);
        assert_eq!(Looker::parse("@3 0 attached,focused\t\txterm\t"), None);
    }
}
