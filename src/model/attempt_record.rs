//! How one attempt of a job ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::answer_record::OutcomeSource;
use crate::model::end_reason::{self, EndReason};
use crate::model::exit::Exit;
use crate::model::retry::RetryOn;
use crate::model::run_state::EndState;

/// A line of `attempts.jsonl`: one for each finished attempt of a mode that retries. `…_from` and `…_to` delimit the
/// attempt's part of the logs, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRecord {
    /// Counted from 1.
    pub attempt: u32,
    pub state: EndState,
    #[serde(flatten, with = "end_reason::recorded")]
    pub reason: Option<EndReason>,
    #[serde(flatten)]
    pub exit: Exit,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub stdout_from: u64,
    pub stdout_to: u64,
    pub stderr_from: u64,
    pub stderr_to: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome_source: Option<OutcomeSource>,
    /// The kind of failure that another attempt follows; `again_at` is its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried_for: Option<RetryOn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<Timestamp>,
}
