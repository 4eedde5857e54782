//! What a hook of an agent was told, and the record that is kept of it.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::model::activity::ActivityState;
use crate::model::agent_record::{AGENT_VERSION, AgentRecord};

/// One hook's input, understood. Its texts are short and plain: what the agent sends is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookEvent {
    /// The agent's own name of the event.
    pub name: String,
    pub session_id: String,
    pub transcript: Option<PathBuf>,
    pub state: ActivityState,
    pub reason: String,
    /// It begins something, so that the time of the state counts anew.
    pub begins: bool,
    /// It comes later than another hook about the same state and knows less: the reason stays.
    pub is_reminder: bool,
}

impl HookEvent {
    /// What to keep of it, of an agent that is process `pid`, beside what was kept before. `None` where
    /// it is older than that.
    pub fn record(self, previous: Option<&AgentRecord>, at: Timestamp, pid: Option<u32>) -> Option<AgentRecord> {
        let previous = previous.filter(|previous| previous.session_id == self.session_id);
        if previous.is_some_and(|previous| previous.at > at) {
            return None;
        }
        let before = previous.filter(|previous| previous.state == self.state && !self.begins);
        Some(AgentRecord {
            version: AGENT_VERSION,
            event: self.name,
            state: self.state,
            reason: before.filter(|_| self.is_reminder).map_or(self.reason, |before| before.reason.clone()),
            at,
            since: before.map_or(at, |before| before.since),
            session_id: self.session_id,
            transcript: self.transcript,
            pid,
        })
    }
}
