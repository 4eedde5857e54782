//! What must hold before a run may start, besides a free slot.

use serde::{Deserialize, Serialize};

use crate::model::run_id::RunId;

/// Part of the spec, so a queued run can be started without the manifest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Conditions {
    /// Runs that must have succeeded. If one ended otherwise, this run ends as `dependency_failed`.
    pub after: Vec<RunId>,
    /// A person must approve the run first.
    pub gate: bool,
    /// No other exclusive run may be active in the same folder.
    pub exclusive: bool,
    /// USD: no start while the cost of the day is at least this.
    pub budget_day: Option<f64>,
}
