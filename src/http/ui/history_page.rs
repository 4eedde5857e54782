//! Past runs as a table, a piece at a time.

use std::sync::Arc;

use serde::Serialize;

use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::server::Shared;
use crate::http::ui::catalog::Broken;
use crate::http::ui::pages::{Top, top};
use crate::http::ui::run_line::RunLine;
use crate::http::ui::templates;
use crate::model::interval::Interval;
use crate::model::names::{ModeName, TaskId};
use crate::model::run_state::EndState;
use crate::runner::past::Past;
use crate::view::mode_view::ModeView;

/// So many runs come at once, where the page does not say.
const RUNS: u32 = 100;
const MOST_RUNS: u32 = 1000;

/// What the page offers as lengths of time, as `--since` takes them.
const SINCE: [(&str, &str); 5] = [
    ("1h", "last hour"),
    ("24h", "last 24 hours"),
    ("7d", "last 7 days"),
    ("30d", "last 30 days"),
    ("90d", "last 90 days"),
];

/// As the page's address and its fields say it; what is empty asks for all.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Wish {
    mode: String,
    task: String,
    outcome: String,
    since: String,
    from: u32,
    count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryPage<'a> {
    top: Top,
    broken: Option<&'a Broken>,
    wish: &'a Wish,
    open: bool,
    runs: Vec<RunLine>,
    /// The first that is not on this piece.
    next: Option<u32>,
    modes: &'a [ModeView],
    outcomes: [&'static str; 6],
    since: &'static [(&'static str, &'static str)],
}

impl Wish {
    pub(super) fn read(query: &mut Query) -> Result<Self, Refusal> {
        let text = |query: &mut Query, name| query.text(name).unwrap_or_default().trim().to_owned();
        let number = |query: &mut Query, name| -> Result<Option<u32>, Refusal> {
            Ok(query.number(name)?.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
        };
        let known = |text: &str| text.is_empty() || EndState::parse(text).is_some();
        let outcome = query.value("outcome", |text| known(text).then(|| text.to_owned()))?.unwrap_or_default();
        let length = |text: &str| text.is_empty() || Interval::parse(text).is_some();
        let since = query.value("since", |text| length(text).then(|| text.to_owned()))?.unwrap_or_default();
        Ok(Self {
            mode: text(query, "mode"),
            task: text(query, "task"),
            outcome,
            since,
            from: number(query, "from")?.unwrap_or(0),
            count: number(query, "count")?.unwrap_or(RUNS).clamp(1, MOST_RUNS),
        })
    }

    fn is_open(&self) -> bool {
        [&self.mode, &self.task, &self.outcome, &self.since].iter().all(|text| text.is_empty())
    }

    /// `None` where no run can have such a name: somebody is still typing it.
    fn past(&self) -> Option<Past> {
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (mode, task) = (named(&self.mode), named(&self.task));
        if mode.as_ref().is_some_and(|mode| ModeName::parse(mode).is_err())
            || task.as_ref().is_some_and(|task| TaskId::parse(task).is_err())
        {
            return None;
        }
        Some(Past {
            mode,
            task,
            since: Interval::parse(&self.since),
            outcome: EndState::parse(&self.outcome),
            skip: self.from,
            // One more tells whether there are more.
            limit: Some(self.count + 1),
        })
    }
}

pub(super) fn page(server: &Arc<Shared>, wish: &Wish) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalogs.get(server)?;
    let found = wish.past().map(|past| server.live.past(past)).transpose()?.unwrap_or_default();
    let count = usize::try_from(wish.count).unwrap_or(usize::MAX);
    let next = (found.len() > count).then(|| wish.from.saturating_add(wish.count));
    let page = HistoryPage {
        top: top(server, &catalog, seq)?,
        broken: catalog.broken.as_ref(),
        wish,
        open: wish.is_open(),
        runs: found.iter().take(count).map(|run| RunLine::of(&server.live.view(run))).collect(),
        next,
        modes: &catalog.modes,
        outcomes: EndState::ALL.map(EndState::as_str),
        since: &SINCE,
    };
    templates::render("history.html", &page)
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
        let wish = |task: &str| Wish { task: task.to_owned(), ..Wish::default() };
        assert!(wish("a b").past().is_none() && wish("-").past().is_none());
        assert_eq!(wish("A").past().and_then(|past| past.task).as_deref(), Some("A"));
        assert_eq!(wish("").past().map(|past| past.task), Some(None));
    }
}
