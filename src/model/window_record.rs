//! Where tmux put an interactive run, as its starter saw it.

use serde::{Deserialize, Serialize};

/// `window.json`. Advisory: ids and names are never trusted, but a server that differs
/// from this one has no window of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WindowRecord {
    pub version: u32,
    pub server_pid: u32,
    pub server_start: u64,
    pub pane: String,
    pub window: String,
}
