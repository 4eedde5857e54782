//! The last event that an agent in a window reported by its hooks.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::activity::ActivityState;

pub const AGENT_VERSION: u32 = 1;

/// `agent.json`: written whole by the agent's hooks. Advisory: it may be late or missing; only what is displayed
/// depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentRecord {
    pub version: u32,
    /// The agent's name of the event.
    pub event: String,
    pub state: ActivityState,
    /// Text for people.
    pub reason: String,
    pub at: Timestamp,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// The current conversation; it may differ from the one at the start.
    pub session_id: String,
    /// The file in which the agent records that conversation.
    #[serde(default)]
    pub transcript: Option<PathBuf>,
    #[serde(default)]
    pub pid: Option<u32>,
}
