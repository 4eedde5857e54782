//! What the owner of a running run wrote about itself.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::answer_record::Answered;
use crate::model::end_reason::{self, EndReason};
use crate::model::limits::LimitsHold;
use crate::model::process_id::ProcessId;

/// `live.json`: written by the supervisor of a job, or by `__exec` in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveRecord {
    pub version: u32,
    /// The supervisor of a job; the agent itself in a window.
    pub owner: ProcessId,
    /// The agent of a job, once it was started.
    #[serde(default)]
    pub agent: Option<ProcessId>,
    pub started_at: Timestamp,
    pub attempt: u32,
    pub stopping: bool,
    /// Between two attempts: asleep, its slot given back.
    #[serde(default)]
    pub retry: Option<RetryWait>,
    #[serde(default)]
    pub limits: Option<LimitsHold>,
    /// A problem that does not end the owner, such as a full disk.
    #[serde(default)]
    pub trouble: Option<String>,
    /// Of a window whose agent tells of itself: where it keeps what it writes down.
    #[serde(default)]
    pub agent_home: Option<PathBuf>,
    /// Why its agent was given no hooks.
    #[serde(default)]
    pub unhooked: Option<String>,
    /// Of a job whose agent has ended its turn and lives on in silence.
    #[serde(default)]
    pub answered: Option<Answered>,
}

impl LiveRecord {
    /// Of an owner that begins its first attempt.
    pub fn begun(owner: ProcessId, started_at: Timestamp) -> Self {
        Self {
            version: 1,
            owner,
            agent: None,
            started_at,
            attempt: 1,
            stopping: false,
            retry: None,
            limits: None,
            trouble: None,
            agent_home: None,
            unhooked: None,
            answered: None,
        }
    }
}

/// Until when an owner sleeps before the next attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryWait {
    pub until: Timestamp,
    /// How the attempt before failed.
    #[serde(flatten, with = "end_reason::recorded")]
    pub reason: Option<EndReason>,
}
