//! The page to steer runs from: the list of unfinished runs and of those that ended in the last hour, and beside it
//! the chosen run. The page's script shows the run's log or terminal.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::run_id::RunId;
use crate::serve::query::Query;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::now_detail;
use crate::serve::ui::pages::top;
use crate::serve::ui::templates::{self, context};
use crate::snapshot::{self, Capacity, RunGroup, RunGroups};
use crate::view::badge::Badge;

#[derive(Debug, Serialize)]
struct ListedGroup {
    key: RunGroup,
    name: &'static str,
    /// Shown if there are none.
    none: &'static str,
    runs: Vec<NowRow>,
}

/// A row of the list.
#[derive(Debug, Serialize)]
struct NowRow {
    badge: Badge,
    /// What it waits for, or its badge's word.
    word: String,
    /// The title of its task.
    title: String,
}

/// The line above the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CapacityLine {
    slots_in_use: usize,
    slots: u32,
    spent: String,
    budget: Option<String>,
    /// The budget of the day is used up.
    over: bool,
    limit: Option<LimitLine>,
}

#[derive(Debug, Serialize)]
struct LimitLine {
    agent: String,
    until: Timestamp,
}

pub(super) fn page(server: &HttpServer, mut query: Query) -> Result<String, Refusal> {
    let chosen = query.value("run", RunId::parse)?;
    query.end()?;
    let seq = server.live.last_event();
    let catalog = server.catalog.get(server)?;
    let listed = server.live.groups()?;
    let groups = RunGroup::ALL.map(|group| ListedGroup::new(group, &listed, &catalog));
    let capacity = capacity_line(&catalog, &listed.capacity);
    let detail = chosen.as_ref().map(|id| now_detail::detail(server, &catalog, id)).transpose()?.flatten();
    templates::render(
        "now.html",
        context! {
            top => top(server, &catalog, seq)?, broken => catalog.broken, editable => catalog.project.editable,
            groups, capacity,
            chosen => chosen.map(|id| id.to_string()).unwrap_or_default(), detail,
        },
    )
}

impl ListedGroup {
    fn new(group: RunGroup, listed: &RunGroups, catalog: &Catalog) -> Self {
        let row = |listed: &snapshot::ListedRun| NowRow {
            badge: listed.badge.clone(),
            word: listed.word.clone(),
            title: catalog.task(&listed.badge.task).map_or_else(String::new, |task| task.title.clone()),
        };
        let runs = listed.of(group).iter().map(row).collect();
        Self { key: group, name: group.name(), none: group.none(), runs }
    }
}

fn capacity_line(catalog: &Catalog, capacity: &Capacity) -> CapacityLine {
    let budget = catalog.limits.budget_day;
    let limit = capacity.usage_limits.first();
    CapacityLine {
        slots_in_use: capacity.slots_in_use,
        slots: catalog.limits.jobs,
        spent: format!("${:.2}", capacity.spent_today_usd),
        budget: budget.map(|budget| format!("${budget:.2}")),
        over: budget.is_some_and(|budget| capacity.spent_today_usd >= budget),
        limit: limit.map(|limit| LimitLine { agent: limit.agent.clone().unwrap_or_default(), until: limit.until }),
    }
}
