//! The parsed input of an agent's hook, and the record that is kept of it.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::model::activity::ActivityState;
use crate::model::agent_record::{AGENT_VERSION, AgentRecord};

/// One hook's input. Its texts are short and plain, since the agent's data is not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookEvent {
    /// The agent's own name of the event.
    pub name: String,
    pub session_id: String,
    pub transcript: Option<PathBuf>,
    pub state: ActivityState,
    pub reason: String,
    /// It begins something: the time of the state restarts.
    pub begins: bool,
    /// It repeats the state of an earlier hook with less detail: the earlier reason is kept.
    pub is_reminder: bool,
}

impl HookEvent {
    /// The record to keep after `previous`; `pid` is the agent's process. `None` where the event is older than
    /// `previous`.
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
