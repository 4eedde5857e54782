//! Which failed attempts of a job are followed by another.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::interval::Interval;
use crate::model::words::words;

/// `retry:` of a headless mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Number of attempts after the first.
    pub max: u32,
    /// Pause before the second attempt; doubles with each further attempt.
    pub backoff: Interval,
    pub on: BTreeSet<RetryOn>,
}

/// What kind of failure is worth another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    RateLimit,
    /// Any failure of the agent itself: a signal, an exit code, no result.
    Crash,
    Timeout,
}

words!(RetryOn { RateLimit: "rate_limit", Crash: "crash", Timeout: "timeout" });
