//! A restarted run as JSON: the new run, the one that it replaces, and what changed between them.

use serde::Serialize;

use crate::plan::drift::Drift;
use crate::view::plan_view::DriftView;
use crate::view::run_view::RunView;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartView {
    #[serde(flatten)]
    pub run: RunView,
    /// The id of the pair's run before it.
    pub replaces: String,
    /// The fields in which both differ.
    pub changes: Vec<DriftView>,
}

/// The fields that differ, with their values.
pub fn changes(drift: &[Drift]) -> Vec<DriftView> {
    drift.iter().map(DriftView::new).collect()
}
