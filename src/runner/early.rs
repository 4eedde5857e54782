//! tmux, asked before it is known what for: its client takes longer to start than most commands
//! take in all. Only reads; what turns out not to be needed is dropped.

use std::path::PathBuf;

use crate::runner::locate::{Whence, locate};
use crate::system::store::state_dir::StateDir;
use crate::system::tmux::{PendingListing, Tmux};

/// A listing on its way.
#[derive(Debug)]
pub struct Early {
    /// The state folder that named the server.
    pub(super) state: StateDir,
    pub(super) socket: PathBuf,
    pub(super) asked: PendingListing,
}

/// Asks where the usual state folder says that windows are. `None` costs nothing: another folder,
/// or one without windows, is looked at in its turn.
pub fn ask(whence: &Whence) -> Option<Early> {
    let home = locate(whence).ok()??.home;
    let state = StateDir::find(&home.usual_state_dir()).ok().flatten()?;
    let socket = state.windows_hint()?;
    let asked = Tmux::new(socket.clone()).begin_list();
    Some(Early { state, socket, asked })
}
