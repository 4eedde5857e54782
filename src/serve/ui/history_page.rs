//! The page of past runs: filters, totals, charts, and a table that is loaded in pages.

use jiff::Timestamp;
use serde::Serialize;

use crate::lifecycle::summary::past_figures::PastFigures;
use crate::lifecycle::summary::past_runs::PastRuns;
use crate::model::names::{ModeName, TaskId};
use crate::model::run::Run;
use crate::model::run_state::EndState;
use crate::model::started_by::StartedBy;
use crate::serve::past_query::{ANY, HistoryQuery};
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::history_charts;
use crate::serve::ui::pages::top;
use crate::serve::ui::templates::{self, context};
use crate::view::amounts;
use crate::view::badge::Badge;

/// Runs of one request by default, and at most.
const RUNS: u32 = 100;
const MOST_RUNS: u32 = 1000;

/// The lengths of time that the page offers, in the form of `--since`.
const SINCE: [(&str, &str); 5] = [
    ("1h", "last hour"),
    ("24h", "last 24 hours"),
    ("7d", "last 7 days"),
    ("30d", "last 30 days"),
    ("90d", "last 90 days"),
];

/// An ended run as a row.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PastLine<'a> {
    badge: Badge,
    id: String,
    title: &'a str,
    ended: Option<Timestamp>,
    attempts: String,
    took: String,
    cost: String,
    agent: String,
    /// Who asked for it.
    asked: &'static str,
}

/// The totals of the runs that are selected.
#[derive(Debug, Serialize)]
struct TotalsLine {
    runs: String,
    outcomes: Vec<(&'static str, u64)>,
    took: String,
    cost: String,
}

pub(super) fn page(server: &HttpServer, query: &HistoryQuery) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalog.get(server)?;
    let names = server.live.names_on_record()?;
    let chosen = chosen(query, |task| names.tasks.iter().any(|known| known == task));
    let limit = query.limit.unwrap_or(RUNS).clamp(1, MOST_RUNS);
    let (found, figures) = if can_be(&chosen) {
        let past = PastRuns { limit: Some(limit), ..chosen.past(server)? };
        // Further rows come without charts.
        let figures =
            if past.cursor.is_none() { server.live.past_figures(past.clone())? } else { PastFigures::default() };
        (server.live.past(past)?, figures)
    } else {
        Default::default()
    };
    let lines: Vec<PastLine<'_>> = found.runs.iter().map(|run| line(server, &catalog, run)).collect();
    let mut modes = names.modes;
    modes.extend(catalog.modes.iter().map(|mode| mode.name.clone()));
    modes.sort_unstable();
    modes.dedup();
    templates::render(
        "history.html",
        context! {
            top => top(server, &catalog, seq)?, broken => catalog.broken,
            editable => catalog.project.editable, query, open => query.filters().is_empty(),
            lines, next => found.next.map(|next| next.to_string()), modes, agents => names.agents,
            outcomes => EndState::ALL.map(EndState::as_str), since => SINCE, totals => totals(&figures),
            charts => history_charts::charts(&figures, query, catalog.day_budget), exports => chosen.address(&[]),
        },
    )
}

/// The query with the task that is meant: an id on record means that task alone, any other text each task whose id or
/// title contains it.
fn chosen(query: &HistoryQuery, is_on_record: impl Fn(&str) -> bool) -> HistoryQuery {
    let mut chosen = query.clone();
    if !chosen.task.is_empty() && !chosen.task.contains(ANY) && !is_on_record(&chosen.task) {
        chosen.task = format!("{ANY}{}{ANY}", chosen.task);
    }
    chosen
}

/// Whether any run can have such names: while a name is typed it may be none.
fn can_be(query: &HistoryQuery) -> bool {
    let is_task = query.task.is_empty() || query.task.contains(ANY) || TaskId::parse(&query.task).is_ok();
    is_task && (query.mode.is_empty() || ModeName::parse(&query.mode).is_ok())
}

fn line<'a>(server: &HttpServer, catalog: &'a Catalog, run: &Run) -> PastLine<'a> {
    let view = server.live.view(run);
    let started_by = run.facts.started_by.or(run.facts.by_up.then_some(StartedBy::Up));
    PastLine {
        title: catalog.task(&view.task).map_or("", |task| task.title.as_str()),
        ended: view.ended_at,
        attempts: view.attempt.map(|attempt| attempt.to_string()).unwrap_or_default(),
        took: view.started_at.and(view.duration_ms).map(amounts::duration).unwrap_or_default(),
        cost: view.cost_usd.map(amounts::cost).unwrap_or_default(),
        agent: view.agent.clone().unwrap_or_default(),
        asked: started_by.map_or("", asked),
        id: view.run_id.clone(),
        badge: Badge::of(&view, false),
    }
}

fn asked(by: StartedBy) -> &'static str {
    match by {
        StartedBy::Cli => "command line",
        StartedBy::Web => "web",
        StartedBy::Up => "up",
        StartedBy::Need => "need",
        StartedBy::Run => "another run",
    }
}

fn totals(figures: &PastFigures) -> TotalsLine {
    let outcomes = figures.outcomes.iter().filter(|(_, count)| *count > 0);
    TotalsLine {
        runs: format!("{} run{}", figures.outcomes.total(), if figures.outcomes.total() == 1 { "" } else { "s" }),
        outcomes: outcomes.map(|(state, count)| (state.as_str(), count)).collect(),
        took: amounts::duration(figures.millis),
        cost: amounts::cost(figures.cost_usd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::interval::Interval;

    #[test]
    fn what_is_offered_can_be_asked_for() {
        assert!(SINCE.iter().all(|(length, _)| Interval::parse(length).is_some()));
    }

    #[test]
    fn a_known_id_means_itself_and_other_text_a_part_of_a_name() {
        let query = |task: &str| HistoryQuery { task: task.to_owned(), ..HistoryQuery::default() };
        for (task, expected) in [("A", "A"), ("B", "*B*"), ("a b", "*a b*"), ("B*", "B*"), ("", "")] {
            assert_eq!(chosen(&query(task), |known| known == "A").task, expected);
        }
    }

    #[test]
    fn a_name_that_nothing_can_have_finds_nothing() {
        let query = |mode: &str| HistoryQuery { mode: mode.to_owned(), ..HistoryQuery::default() };
        assert!(!can_be(&query("a b")) && can_be(&query("A")) && can_be(&query("")));
    }
}
