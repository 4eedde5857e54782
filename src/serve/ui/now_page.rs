//! The page to steer runs from: the list of unfinished runs and of those that ended in the last hour, and beside it
//! the chosen run. The page's script shows the run's log or terminal.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::lifecycle::summary::past_runs::PastRuns;
use crate::model::interval::Interval;
use crate::model::run_id::RunId;
use crate::serve::api::runs;
use crate::serve::query::Query;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ui::badge::Badge;
use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::now_detail;
use crate::serve::ui::pages::top;
use crate::serve::ui::templates::{self, context};
use crate::snapshot::{Capacity, Snapshot};
use crate::view::run_view::RunView;

/// Ended runs that are listed, at most.
const ENDED: u32 = 30;
/// Maximum number of failed runs with an unopened page that are listed as needing the user.
const FAILED: usize = 30;
/// How long ended runs are listed.
const ENDED_SINCE: Interval = Interval::from_secs(3600);

/// The groups of the list, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Group {
    Needs,
    Running,
    Queued,
    Ended,
}

#[derive(Debug, Serialize)]
struct ListedGroup {
    key: Group,
    name: &'static str,
    /// Shown if there are none.
    none: &'static str,
    runs: Vec<ListedRun>,
}

/// A row of the list.
#[derive(Debug, Serialize)]
struct ListedRun {
    badge: Badge,
    /// What it waits for, or its badge's word.
    word: String,
    started: Option<Timestamp>,
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
    let snapshot = server.live.snapshot()?;
    let groups = groups(server, &catalog, &snapshot)?;
    let capacity = capacity_line(&catalog, &snapshot.capacity);
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

fn groups(server: &HttpServer, catalog: &Catalog, snapshot: &Snapshot) -> Result<Vec<ListedGroup>, Refusal> {
    let positions = snapshot.positions();
    let listed = |view: &RunView| {
        let badge = Badge::of(view, false);
        let title = catalog.task(&badge.task).map_or_else(String::new, |task| task.title.clone());
        ListedRun { word: word(view, &badge), started: view.started_at, title, badge }
    };
    let group = |key, name, none| ListedGroup { key, name, none, runs: Vec::new() };
    let mut groups = [
        group(Group::Needs, "Needs you", "Nothing needs you."),
        group(Group::Running, "Running", "Nothing runs."),
        group(Group::Queued, "Queued", ""),
        group(Group::Ended, "Ended in the last hour", ""),
    ];
    for run in &snapshot.active {
        let view = RunView { position: positions.get(run.id()).copied(), ..server.live.view(run) };
        let row = listed(&view);
        let is_queued = row.badge.key == "queued" && !row.badge.running;
        groups[if row.badge.needs { 0 } else { 1 + usize::from(is_queued) }].runs.push(row);
    }
    // The longest wait first, the latest start first; the queue keeps its order.
    groups[0].runs.sort_by_key(|row| row.badge.since);
    groups[1].runs.sort_by_key(|row| std::cmp::Reverse(row.started));
    let past = PastRuns { since: Some(ENDED_SINCE), limit: Some(ENDED), ..PastRuns::default() };
    let past = server.live.past(past)?.runs;
    let failed = failed(server, &*server.unseen.get(server)?);
    let others = past.iter().filter(|run| !failed.iter().any(|failed| failed.run_id == run.id().as_str()));
    groups[3].runs = others.map(|run| listed(&server.live.view(run))).collect();
    groups[0].runs.extend(failed.iter().map(listed));
    Ok(groups.into())
}

/// The latest failed runs whose page was not opened, the latest first. One that was pruned meanwhile is left out.
fn failed(server: &HttpServer, unseen: &HashSet<String>) -> Vec<RunView> {
    let mut ids: Vec<RunId> = unseen.iter().filter_map(|id| RunId::parse(id)).collect();
    ids.sort_by(|a, b| b.as_str().cmp(a.as_str()));
    ids.truncate(FAILED);
    ids.iter().filter_map(|id| runs::by_id(server, id).ok()).map(|run| server.live.view(&run)).collect()
}

/// `2nd, slot`, `need: code-review TASK-3`, else the word of the badge.
fn word(run: &RunView, badge: &Badge) -> String {
    match (run.state, run.waiting_for, run.position) {
        ("queued", Some("slot"), Some(position)) => format!("{}, slot", ordinal(position)),
        ("running", ..) if badge.key == "waiting" => "waits".to_owned(),
        ("queued", Some("gate"), _) => "approval".to_owned(),
        ("queued", Some(what), _) => match &run.reason {
            Some(about) => format!("{what}: {about}"),
            None => what.to_owned(),
        },
        _ => badge.word.clone(),
    }
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (1, hundred) if hundred != 11 => "st",
        (2, hundred) if hundred != 12 => "nd",
        (3, hundred) if hundred != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_queue_are_ordinal_numbers() {
        for (number, text) in
            [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st")]
        {
            assert_eq!(ordinal(number), text);
        }
    }
}
