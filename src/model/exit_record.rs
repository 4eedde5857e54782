//! How a run ended. Written once, by its supervisor or by the first command that observes the end.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::answer_record::AnswerRecord;
use crate::model::end_reason::{self, EndReason};
use crate::model::exit::Exit;
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
    #[serde(flatten, with = "end_reason::recorded")]
    pub reason: Option<EndReason>,
    /// The agent's own exit.
    #[serde(flatten)]
    pub exit: Exit,
    /// Stopped by Ctrl-C of the command that started it: its exit code is 130, not 143.
    #[serde(default)]
    pub interrupted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    pub ended_at: Timestamp,
    /// Measured by the supervisor's monotonic clock, if there was one.
    #[serde(default)]
    pub duration_ms: u64,
    #[serde(default)]
    pub attempt: u32,
    #[serde(default)]
    pub usage: Usage,
    #[serde(default)]
    pub log_bytes: u64,
    /// Processes that could not be killed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub survivors: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsHold>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The engine's name of the node on which it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    #[serde(default)]
    pub answer: AnswerRecord,
}

impl ExitRecord {
    /// The end of a run of which no process was started.
    pub fn never_started(run_id: RunId, state: EndState, reason: EndReason, ended_at: Timestamp) -> Self {
        Self {
            version: EXIT_VERSION,
            run_id,
            state,
            reason: Some(reason),
            exit: Exit::NOT_SEEN,
            interrupted: false,
            started_at: None,
            ended_at,
            duration_ms: 0,
            attempt: 0,
            usage: Usage::default(),
            log_bytes: 0,
            survivors: Vec::new(),
            limits: None,
            pid: None,
            node: None,
            answer: AnswerRecord::default(),
        }
    }

    /// Whether a person rejected it at its gate.
    pub fn is_rejection(&self) -> bool {
        matches!(self.reason, Some(EndReason::Rejected | EndReason::RejectedBecause(_)))
    }

    /// Whether a person caused the end: stopped the run, closed its window or rejected it. An engine ends jobs by itself,
    /// for example to give their place to others.
    pub fn is_by_person(&self) -> bool {
        let is_stopped = self.state == EndState::Stopped && self.reason != Some(EndReason::EndedByEngine);
        is_stopped || self.is_rejection()
    }

    /// The exit code of `run` and `wait` for this end.
    pub fn command_code(&self) -> u8 {
        let byte = |code: i32| u8::try_from(code & 0xff).ok().filter(|c| *c != 0).unwrap_or(1);
        match self.state {
            EndState::Succeeded => 0,
            // The answer decides; the exit was forced.
            EndState::Failed if self.answer.did_not_exit => 1,
            EndState::Failed => match self.exit {
                Exit { code: Some(code), .. } => byte(code),
                Exit { signal: Some(signal), .. } => byte(128 + signal),
                Exit::NOT_SEEN => 1,
            },
            EndState::TimedOut => 124,
            EndState::Stopped if self.interrupted => 130,
            EndState::Stopped => 143,
            EndState::Lost => 125,
            EndState::DependencyFailed => 1,
        }
    }
}
