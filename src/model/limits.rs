//! Resource limits of a run's whole process tree.

use serde::{Deserialize, Serialize};

use crate::model::bytes::Bytes;
use crate::model::interval::Interval;

/// `None` means no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// CPU time, summed over the tree.
    pub cpu: Option<Interval>,
    pub memory: Option<Bytes>,
    /// Number of live processes.
    pub processes: Option<u32>,
}

impl Limits {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How the limits of a run are enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitsHold {
    /// By cgroup, for the whole tree.
    Full,
    /// By rlimits, for each process.
    Partial,
}
