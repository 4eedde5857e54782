//! Where tmux put an interactive run, as its starter saw it.

use serde::{Deserialize, Serialize};

use crate::model::process_id::ProcessId;

/// `window.json`. Advisory: ids and names are never trusted, but a server that differs
/// from this one has no window of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowRecord {
    pub version: u32,
    /// The tmux server as a process: with its socket gone it may still live.
    pub server: Option<ProcessId>,
    pub server_pid: u32,
    /// As tmux tells it, in seconds since 1970.
    pub server_start: u64,
    pub pane: String,
    pub window: String,
}
