//! A page of past runs as JSON, with totals of all runs that the filter selects.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::view::run_view::RunView;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PastView {
    pub runs: Vec<RunView>,
    pub totals: TotalsView,
    /// The cursor of the next page; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TotalsView {
    pub runs: u64,
    /// Number of runs by outcome; each outcome is present.
    pub outcomes: BTreeMap<&'static str, u64>,
    pub duration_ms: u64,
    pub cost_usd: f64,
}
