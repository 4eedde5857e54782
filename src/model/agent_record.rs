//! The last that an agent in a window said of itself.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::activity::ActivityState;

pub const AGENT_VERSION: u32 = 1;

/// `agent.json`: written by the agent's own hooks, each time whole. Advisory: it may be late, or
/// never come, and nothing but what is shown depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentRecord {
    pub version: u32,
    /// The agent's own word for what happened.
    pub event: String,
    pub state: ActivityState,
    /// For people.
    pub reason: String,
    /// When it happened.
    pub at: Timestamp,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// The conversation it is in, which may be another than it was started with.
    pub session_id: String,
    /// Where it writes that conversation down.
    #[serde(default)]
    pub transcript: Option<PathBuf>,
    /// The agent's process.
    #[serde(default)]
    pub pid: Option<u32>,
}
