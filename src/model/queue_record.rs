//! That a run waits, and for what.

use serde::{Deserialize, Serialize};

use crate::model::run_state::WaitingFor;

/// `queued.json`: written by the starter under the pair's lock, removed by who starts the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueRecord {
    pub version: u32,
    pub waiting_for: WaitingFor,
    /// For whom or until when, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}
