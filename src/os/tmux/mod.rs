//! tmux: lists its panes, creates one for a run, kills ours, shows one to the user.
//!
//! A pane is ours by its start command (`PROGRAM __exec RUNDIR`), which no rename, move or break-out changes. A command
//! on a pane names it by its id and checks in the same call that this pane still is our run's.
//!
//! Must not touch what it did not create: no `-g`, no target by an inexact name, no option on the user's panes, windows
//! or sessions. A reply that is not known to mean "no server" or "no such session" is [`TmuxError::Unknown`].

mod attached_client;
mod client;
mod create;
mod error;
mod history;
mod kill;
mod listing;
mod pane_activity;
mod probe;
mod quote;
mod send;
mod socket;
mod start_command;
mod version;
mod view;
mod view_session;
mod warm_client;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use crate::os::tmux::attached_client::AttachedClient;
pub use crate::os::tmux::create::{CreateWindow, Created};
pub use crate::os::tmux::error::TmuxError;
pub use crate::os::tmux::kill::Killed;
pub use crate::os::tmux::listing::{Dead, Listing, Pane, PendingListing, Server};
pub use crate::os::tmux::pane_activity::PaneActivity;
pub use crate::os::tmux::probe::{TmuxProbe, probe};
pub use crate::os::tmux::send::{Brackets, Typed};
pub use crate::os::tmux::socket::SocketEnv;
pub use crate::os::tmux::version::{FLOOR, TmuxVersion, version};
pub use crate::os::tmux::view::{Client, ClientOf};
pub use crate::os::tmux::view_session::{Access, PaneLocation, TerminalView, client_environment, starter_environment};
pub use crate::os::tmux::warm_client::WarmClient;

/// The word between the program and the run folder in the start command of a pane of ours.
pub const EXEC_WORD: &str = "__exec";

/// Time limit for a reply of the server.
pub const BOUND: Duration = Duration::from_secs(5);

/// One tmux server, identified by its socket. It need not run.
#[derive(Clone, Debug)]
pub struct Tmux {
    socket: PathBuf,
    bound: Duration,
}

impl Tmux {
    /// `socket` is an absolute path, from [`Tmux::resolve_socket`] or from a run's record.
    pub fn new(socket: PathBuf) -> Self {
        Self { socket, bound: BOUND }
    }

    /// Waits at most `bound` for a reply, instead of 5 s.
    #[must_use]
    pub fn with_bound(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }
}
