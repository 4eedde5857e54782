//! Figures of past runs by day, mode, task or agent, as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::view::past_view::TotalsView;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PastGroupsView {
    /// `day`, `mode`, `task` or `agent`.
    pub by: String,
    pub groups: Vec<PastGroupView>,
    pub totals: TotalsView,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PastGroupView {
    /// Days as `YYYY-MM-DD` in the local time zone; `null`: the agent is not on record.
    pub name: Option<String>,
    pub runs: u64,
    /// Number of runs by outcome; each outcome is present.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// From 0 to 1, of the runs that were not stopped on request; `null` if there are none.
    pub success_rate: Option<f64>,
    pub duration_ms: u64,
    pub cost_usd: f64,
}
