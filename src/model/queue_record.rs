//! Records that a run waits, and for what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::run_state::WaitingFor;

/// `queued.json`: written by the starter under the pair lock, removed by the command that starts the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueRecord {
    pub version: u32,
    pub waiting_for: WaitingFor,
    /// What exactly it waits for, or until when, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Begin of this wait. `None` in records of versions that did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl QueueRecord {
    pub fn new(waiting_for: WaitingFor, about: Option<String>, since: Timestamp) -> Self {
        Self { version: 1, waiting_for, about, since: Some(since) }
    }
}
