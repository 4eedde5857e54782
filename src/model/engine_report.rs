//! What an engine reports of a job. It is never evidence of success: an engine may call a job completed of which no
//! instruction ran.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineReport {
    /// The job is in the engine's queue.
    Waits {
        /// The engine's own name of the reason.
        reason: String,
        /// It stays in the queue until somebody acts.
        is_stuck: bool,
    },
    Runs {
        node: Option<String>,
    },
    Over {
        end: JobEnd,
        node: Option<String>,
    },
    /// The engine answers and has no such job.
    NotKnown,
    /// The engine did not answer; its error text.
    NoAnswer(String),
}

/// How a job ended, as its engine reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    Completed,
    Failed,
    Cancelled,
    /// The engine's own time limit was reached.
    TimedOut,
    OutOfMemory,
    Preempted,
    NodeFailed,
    /// It could not end before its deadline.
    Deadline,
    /// Its node could not be started.
    BootFailed,
    /// A state that this program does not know.
    Other,
}

impl fmt::Display for JobEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "over its time limit",
            Self::OutOfMemory => "out of memory",
            Self::Preempted => "preempted",
            Self::NodeFailed => "its node failed",
            Self::Deadline => "over its deadline",
            Self::BootFailed => "its node did not start",
            Self::Other => "ended",
        })
    }
}
