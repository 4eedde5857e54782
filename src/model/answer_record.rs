//! What an agent answered, separate from how its process ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A longer answer is not copied into the record; `save_to` and the log contain it.
pub const ANSWER_MAX_BYTES: usize = 256 << 10;

/// The answer, in the record of a run's end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnswerRecord {
    /// When the agent's last turn ended; for a text agent, when it exited with 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// All text of the last message. Absent for text agents, whose answer is their output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome_source: Option<OutcomeSource>,
    /// The agent had answered and was killed because it did not exit: its exit status is ignored.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub did_not_exit: bool,
    /// The agent had no login, and these variables, which may hold one, were set at the start but not passed on. Names
    /// only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_passed: Vec<String>,
}

impl AnswerRecord {
    /// `text`, if it is short enough for a record.
    pub fn kept(text: String) -> Option<String> {
        (text.len() <= ANSWER_MAX_BYTES).then_some(text)
    }
}

/// What decided whether a run succeeded or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeSource {
    /// The agent's final event.
    Result,
    /// How its process ended.
    Exit,
    /// `expect` of the mode.
    Expect,
}

impl OutcomeSource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Exit => "exit",
            Self::Expect => "expect",
        }
    }
}

/// In the record of an active run: its agent has answered but not exited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answered {
    pub at: Timestamp,
    /// Where the attempt's output starts in the log, in bytes.
    pub stdout_from: u64,
    /// The cost of the run so far, with earlier attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
}
