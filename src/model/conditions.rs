//! What must hold before a run may start, beyond a free slot.

use serde::{Deserialize, Serialize};

use crate::model::run_id::RunId;

/// Part of the spec, so that a queued run can be started without the manifest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Conditions {
    /// Runs that must have succeeded. One that ended otherwise ends this run as
    /// `dependency_failed`.
    pub after: Vec<RunId>,
    /// A person must approve it first.
    pub gate: bool,
    /// No other exclusive run in the same folder at once.
    pub exclusive: bool,
    /// USD: no start while the day's cost is this much or more.
    pub budget_day: Option<f64>,
}

impl Conditions {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
