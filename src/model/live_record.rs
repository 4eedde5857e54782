//! What the owner of an active run wrote about itself.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::answer_record::Answered;
use crate::model::end_reason::{self, EndReason};
use crate::model::limits::LimitsHold;
use crate::model::owner::Owner;
use crate::model::process_id::ProcessId;

/// `live.json`: written by the supervisor of a job, or by `__exec` in a window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveRecord {
    pub version: u32,
    /// The supervisor of a job; in a window, the agent.
    pub owner: Owner,
    /// The agent of a job, once started.
    #[serde(default)]
    pub agent: Option<ProcessId>,
    pub started_at: Timestamp,
    pub attempt: u32,
    pub stopping: bool,
    /// Set between two attempts: the owner sleeps and has released its slot.
    #[serde(default)]
    pub retry: Option<RetryWait>,
    #[serde(default)]
    pub limits: Option<LimitsHold>,
    /// A problem that does not end the owner, such as a full disk.
    #[serde(default)]
    pub trouble: Option<String>,
    /// Window: the folder in which an agent with hooks keeps its files.
    #[serde(default)]
    pub agent_home: Option<PathBuf>,
    /// Window: why the agent was started without hooks.
    #[serde(default)]
    pub unhooked: Option<String>,
    /// Job: the agent has ended its turn but not exited.
    #[serde(default)]
    pub answered: Option<Answered>,
}

impl LiveRecord {
    /// The record of an owner that starts its first attempt.
    pub fn begun(owner: impl Into<Owner>, started_at: Timestamp) -> Self {
        Self {
            version: 1,
            owner: owner.into(),
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

    /// The agent's pid, or the owner's while there is no agent beside it.
    pub fn pid(&self) -> Option<u32> {
        self.agent.as_ref().or_else(|| self.owner.process()).map(|process| process.pid)
    }
}

/// The owner's sleep before the next attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryWait {
    pub until: Timestamp,
    /// How the previous attempt failed.
    #[serde(flatten, with = "end_reason::recorded")]
    pub reason: Option<EndReason>,
}
