//! How a run ended: written once, whole, by whoever owned or first saw the end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::answer_record::AnswerRecord;
use crate::model::limits::LimitsHold;
use crate::model::run_id::RunId;
use crate::model::run_state::EndState;
use crate::model::usage::Usage;

/// The version this program writes.
pub const EXIT_VERSION: u32 = 1;

/// `exit.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitRecord {
    pub version: u32,
    pub run_id: RunId,
    pub state: EndState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The agent's own exit code. Absent after a signal and when nobody saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Stopped by Ctrl-C of the command that started it: its exit code is 130, not 143.
    #[serde(default)]
    pub interrupted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    pub ended_at: Timestamp,
    /// By the monotonic clock where the owner lived through it.
    #[serde(default)]
    pub duration_ms: u64,
    #[serde(default)]
    pub attempt: u32,
    #[serde(default)]
    pub usage: Usage,
    #[serde(default)]
    pub log_bytes: u64,
    /// Processes that could not be ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub survivors: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsHold>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    #[serde(default)]
    pub answer: AnswerRecord,
}

impl ExitRecord {
    /// The exit code of `run` and `wait` for this end (CONTRACT section 3).
    pub fn command_code(&self) -> u8 {
        let byte = |code: i32| u8::try_from(code & 0xff).ok().filter(|c| *c != 0).unwrap_or(1);
        match self.state {
            EndState::Succeeded => 0,
            // The run counts by its answer: the exit was forced and says nothing of the agent.
            EndState::Failed if self.answer.did_not_exit => 1,
            EndState::Failed => match (self.exit_code, self.signal) {
                (Some(code), _) => byte(code),
                (None, Some(signal)) => byte(128 + signal),
                (None, None) => 1,
            },
            EndState::TimedOut => 124,
            EndState::Stopped if self.interrupted => 130,
            EndState::Stopped => 143,
            EndState::Lost => 125,
            EndState::DependencyFailed => 1,
        }
    }
}
