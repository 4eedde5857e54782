//! tmux as a foreign tool: list its panes, make one for a run, end ours, show one to the user.
//!
//! A pane is ours by the command it was started with (`PROGRAM __exec RUNDIR`), which no rename,
//! move or break-out changes. Whatever acts on a pane names it by its id and proves in the same
//! call that the id still carries our run.
//!
//! Must not touch what it did not make: no `-g`, no target by a bare name, no option on the
//! user's panes, windows or sessions. Must not know what a mode or a plan is. An answer that is
//! not known to mean "no server" or "no such session" is [`TmuxError::Unknown`].

mod client;
mod create;
mod error;
mod history;
mod kill;
mod listing;
mod looking;
mod probe;
mod quote;
mod ready;
mod send;
mod socket;
mod start_command;
mod talk;
mod version;
mod view;
mod view_session;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use crate::system::tmux::create::{CreateWindow, Created};
pub use crate::system::tmux::error::TmuxError;
pub use crate::system::tmux::kill::Killed;
pub use crate::system::tmux::listing::{Asked, Dead, Listing, Pane, Server};
pub use crate::system::tmux::looking::Looker;
pub use crate::system::tmux::probe::{Probe, probe};
pub use crate::system::tmux::ready::Ready;
pub use crate::system::tmux::send::{Brackets, Typed};
pub use crate::system::tmux::socket::SocketEnv;
pub use crate::system::tmux::talk::Talk;
pub use crate::system::tmux::version::{FLOOR, Version, version};
pub use crate::system::tmux::view::Client;
pub use crate::system::tmux::view_session::{Place, TerminalView, View, client_environment, starter_environment};

/// The word between the program and the run's folder in a pane of ours.
pub const EXEC_WORD: &str = "__exec";

/// How long a tmux server may take to answer.
pub const BOUND: Duration = Duration::from_secs(5);

/// One tmux server, named by its socket; it need not run.
#[derive(Clone, Debug)]
pub struct Tmux {
    socket: PathBuf,
    bound: Duration,
}

impl Tmux {
    /// `socket` is an absolute path, as [`Tmux::resolve_socket`] gives or a run recorded.
    pub fn new(socket: PathBuf) -> Self {
        Self { socket, bound: BOUND }
    }

    /// Waits `bound` instead of 5 s for an answer.
    #[must_use]
    pub fn with_bound(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }
}
