//! Resource limits of a run's whole process tree.

use serde::{Deserialize, Serialize};

use crate::model::bytes::Bytes;
use crate::model::interval::Interval;

/// What a mode allows. `None` means no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// CPU time, summed over the tree.
    pub cpu: Option<Interval>,
    /// Memory of the tree.
    pub memory: Option<Bytes>,
    /// Processes alive at once.
    pub processes: Option<u32>,
}

impl Limits {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How far the limits of a run hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitsHold {
    /// By cgroup, over the whole tree.
    Full,
    /// By rlimits, per process.
    Partial,
}
