//! The page of past runs: a table, loaded in pages.

use serde::Serialize;

use crate::lifecycle::summary::past_runs::PastRuns;
use crate::model::interval::Interval;
use crate::model::names::{ModeName, TaskId};
use crate::model::run_state::EndState;
use crate::serve::query::Query;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ui::pages::top;
use crate::serve::ui::run_line::RunLine;
use crate::serve::ui::templates::{self, context};

/// Runs of one page by default, and at most.
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

/// The page's query. Empty fields select everything.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct HistoryQuery {
    mode: String,
    task: String,
    outcome: String,
    since: String,
    from: u32,
    count: u32,
}

impl HistoryQuery {
    pub(super) fn read(mut query: Query) -> Result<Self, Refusal> {
        let saturated = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let known = |text: &str| text.is_empty() || EndState::parse(text).is_some();
        let outcome = query.value("outcome", |text| known(text).then(|| text.to_owned()))?.unwrap_or_default();
        let length = |text: &str| text.is_empty() || Interval::parse(text).is_some();
        let since = query.value("since", |text| length(text).then(|| text.to_owned()))?.unwrap_or_default();
        let read = Self {
            mode: query.trimmed("mode"),
            task: query.trimmed("task"),
            outcome,
            since,
            from: query.number("from")?.map_or(0, saturated),
            count: query.number("count")?.map_or(RUNS, saturated).clamp(1, MOST_RUNS),
        };
        query.end().map(|()| read)
    }

    fn is_open(&self) -> bool {
        [&self.mode, &self.task, &self.outcome, &self.since].iter().all(|text| text.is_empty())
    }

    /// `None` if no run can have such a name, as while a name is typed.
    fn past(&self) -> Option<PastRuns> {
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (mode, task) = (named(&self.mode), named(&self.task));
        if mode.as_ref().is_some_and(|mode| ModeName::parse(mode).is_err())
            || task.as_ref().is_some_and(|task| TaskId::parse(task).is_err())
        {
            return None;
        }
        Some(PastRuns {
            mode,
            task,
            since: Interval::parse(&self.since),
            outcome: EndState::parse(&self.outcome),
            skip: self.from,
            // One more run shows whether there is another page.
            limit: Some(self.count + 1),
        })
    }
}

pub(super) fn page(server: &HttpServer, query: &HistoryQuery) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalog.get(server)?;
    let found = query.past().map(|past| server.live.past(past)).transpose()?.unwrap_or_default();
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let runs: Vec<RunLine> = found.iter().take(count).map(|run| RunLine::of(&server.live.view(run))).collect();
    templates::render(
        "history.html",
        context! {
            top => top(server, &catalog, seq)?, broken => catalog.broken, editable => catalog.project.editable, query, open => query.is_open(), runs,
            next => (found.len() > count).then(|| query.from.saturating_add(query.count)), modes => catalog.modes,
            outcomes => EndState::ALL.map(EndState::as_str), since => SINCE,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_can_be_asked_for() {
        assert!(SINCE.iter().all(|(length, _)| Interval::parse(length).is_some()));
    }

    #[test]
    fn a_name_that_nothing_can_have_finds_nothing() {
        let query = |task: &str| HistoryQuery { task: task.to_owned(), ..HistoryQuery::default() };
        assert!(query("a b").past().is_none() && query("-").past().is_none());
        assert_eq!(query("A").past().and_then(|past| past.task).as_deref(), Some("A"));
        assert_eq!(query("").past().map(|past| past.task), Some(None));
    }
}
