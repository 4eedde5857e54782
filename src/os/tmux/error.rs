//! Errors of tmux, distinguished by what the caller may conclude.

use std::path::PathBuf;

use crate::os::tmux::version::TmuxVersion;

/// Only `NoServer` and `NoSuchSession` mean that something does *not exist*.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TmuxError {
    #[error("tmux is not installed: no `tmux` on PATH")]
    NotFound,
    #[error("tmux {found} is too old: {floor} or newer is needed", floor = crate::os::tmux::version::FLOOR)]
    TooOld { found: TmuxVersion },
    #[error("no tmux server is running on `{}`", socket.display())]
    NoServer { socket: PathBuf },
    #[error("tmux has no session `{session}`")]
    NoSuchSession { session: String },
    /// The state is unknown.
    #[error("`tmux {command}` failed: {stderr}")]
    Unknown { command: String, stderr: String },
    #[error("tmux would refuse the folder `{}`: {why}", folder.display())]
    UnsafeSocketDir { folder: PathBuf, why: String },
    #[error("the tmux socket path `{}` is longer than {max} bytes", socket.display())]
    SocketPathTooLong { socket: PathBuf, max: usize },
    #[error("`{}` cannot be a tmux session's name: {why}", name.escape_debug())]
    SessionName { name: String, why: &'static str },
}
