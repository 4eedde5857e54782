//! Shows a window to the user: attach here, or switch a client; and the clients of a server.

use crate::os::tmux::create::check_session_name;
use crate::os::tmux::error::TmuxError;
use crate::os::tmux::{Tmux, quote};

const CLIENTS: &str = "#{client_pid} #{window_id} #{session_id} #{client_control_mode} #{client_activity}\t#{client_tty}\t\
                       #{session_name}\t#{session_group}\t#{window_name}";

/// A terminal that shows a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    pub pid: u32,
    /// The window it shows.
    pub window_id: String,
    /// `$N`, of the session that it shows.
    pub session_id: String,
    /// In control mode: a program, not a terminal.
    pub control_mode: bool,
    /// Seconds since 1970 of the last key.
    pub activity: i64,
    pub tty: String,
    pub session_name: String,
    /// Sessions of one group share their windows. Empty: no group.
    pub session_group: String,
    pub window_name: String,
}

/// How a client is named.
#[derive(Clone, Copy, Debug)]
pub enum ClientOf<'a> {
    /// The one that shows this pane (`$TMUX_PANE`).
    Pane(&'a str),
    Tty(&'a str),
}

impl Tmux {
    /// The command line that shows `session`, with the window `@N` in front. (A socket path that is not UTF-8 can be
    /// neither printed nor passed.)
    pub fn attach_argv(&self, session: &str, window: Option<&str>) -> Vec<String> {
        let socket = self.socket.to_string_lossy();
        ["tmux", "-S", &socket, "-u", "attach-session", "-t", &target(session, window)].map(str::to_owned).to_vec()
    }

    /// Shows the window in a client. Fails if the session or the window does not exist.
    pub fn switch_client(&self, client: ClientOf<'_>, session: &str, window: Option<&str>) -> Result<(), TmuxError> {
        check_session_name(session)?;
        let target = target(session, window);
        let reply = match client {
            ClientOf::Pane(pane) => self.client_from(Some(pane), &["switch-client", "-t", &target])?,
            ClientOf::Tty(tty) => self.client_from(None, &["switch-client", "-c", tty, "-t", &target])?,
        };
        if reply.ok { Ok(()) } else { Err(self.failure("switch-client", session, &reply)) }
    }

    /// The clients of this server; none if it does not run.
    pub fn clients(&self) -> Result<Vec<Client>, TmuxError> {
        let text = self.query_text("", &["list-clients", "-F", CLIENTS])?.unwrap_or_default();
        Ok(text.lines().filter_map(Client::parse).collect())
    }
}

impl Client {
    fn parse(line: &str) -> Option<Self> {
        let mut texts = line.splitn(5, '\t');
        let mut words = texts.next()?.split(' ');
        Some(Self {
            pid: words.next()?.parse().ok()?,
            window_id: words.next()?.to_owned(),
            session_id: words.next()?.to_owned(),
            control_mode: words.next()? == "1",
            activity: words.next()?.parse().ok()?,
            tty: texts.next()?.to_owned(),
            session_name: texts.next()?.to_owned(),
            session_group: texts.next()?.to_owned(),
            window_name: texts.next()?.to_owned(),
        })
    }
}

/// `=S:@5`: the session by its exact name, and a window of it; without one the session's current window.
fn target(session: &str, window: Option<&str>) -> String {
    format!("={session}:{}", window.filter(|id| quote::is_window_id(id)).unwrap_or_default())
}
