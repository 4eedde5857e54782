//! Where tmux put an interactive run, as its starter observed it.

use serde::{Deserialize, Serialize};

use crate::model::process_id::ProcessId;

/// `window.json`. Advisory: ids and names are not trusted; but if the tmux server is another one, the window of this
/// run is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowRecord {
    pub version: u32,
    /// The process of the tmux server: it may live on after its socket was removed.
    pub server: Option<ProcessId>,
    pub server_pid: u32,
    /// As tmux reports it, in seconds since 1970.
    pub server_start: u64,
    pub pane: String,
    pub window: String,
}
