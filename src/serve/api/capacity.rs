//! `GET /api/capacity`: how much is used of what limits the runs, and what the manifest allows.

use jiff::Timestamp;
use serde::Serialize;

use crate::serve::refusal::Refusal;
use crate::serve::response::Response;
use crate::serve::server::HttpServer;
use crate::snapshot::UsageLimit;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CapacityView {
    slots: SlotsView,
    today: DayView,
    usage_limits: Vec<UsageLimitView>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SlotsView {
    in_use: usize,
    total: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DayView {
    cost_usd: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_usd: Option<f64>,
}

#[derive(Debug, Serialize)]
struct UsageLimitView {
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    until: Timestamp,
}

pub(in crate::serve) fn capacity(server: &HttpServer) -> Result<Response, Refusal> {
    let limits = server.catalog.get(server)?.limits;
    let snapshot = server.live.snapshot()?;
    let used = &snapshot.capacity;
    let limit = |limit: &UsageLimit| UsageLimitView { agent: limit.agent.clone(), until: limit.until };
    let view = CapacityView {
        slots: SlotsView { in_use: used.slots_in_use, total: limits.jobs },
        today: DayView { cost_usd: used.spent_today_usd, budget_usd: limits.budget_day },
        usage_limits: used.usage_limits.iter().map(limit).collect(),
    };
    Ok(Response::json(200, &view))
}
