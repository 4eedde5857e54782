//! Which tasks the board shows. Pure.

use serde::Serialize;

use crate::serve::query::Query;
use crate::serve::refusal::Refusal;
use crate::serve::ui::badge::Badge;
use crate::view::task_view::TaskView;

/// Rows of one request by default, and at most: a page that was scrolled fetches all its rows again.
const ROWS: usize = 100;
const MOST_ROWS: usize = 2000;

/// The board's query. Empty fields select everything.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Filter {
    /// Words that must all occur in id, title, tags, area, phase or assignee.
    pub(super) text: String,
    pub(super) status: String,
    pub(super) tag: String,
    /// Only tasks that ran in this mode.
    pub(super) mode: String,
    /// The state of any badge: `running`, `failed`…
    pub(super) state: String,
    pub(super) needs: bool,
    /// `task`: the order of the tasks; else the latest activity first.
    pub(super) sort: String,
    pub(super) from: usize,
    pub(super) count: usize,
}

impl Filter {
    pub(super) fn read(mut query: Query) -> Result<Self, Refusal> {
        let saturated = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let needs = query.value("needs", |text| ["", "0", "1"].contains(&text).then(|| text == "1"))?.unwrap_or(false);
        let filter = Self {
            text: query.trimmed("text").to_lowercase(),
            status: query.text("status").unwrap_or_default(),
            tag: query.text("tag").unwrap_or_default(),
            mode: query.text("mode").unwrap_or_default(),
            state: query.text("state").unwrap_or_default(),
            needs,
            sort: query.text("sort").unwrap_or_default(),
            from: query.number("from")?.map_or(0, saturated),
            count: query.number("count")?.map_or(ROWS, saturated).clamp(1, MOST_ROWS),
        };
        query.end().map(|()| filter)
    }

    /// Whether all tasks are selected.
    pub(super) fn is_open(&self) -> bool {
        let texts = [&self.text, &self.status, &self.tag, &self.mode, &self.state];
        texts.iter().all(|text| text.is_empty()) && !self.needs
    }

    pub(super) fn matches(&self, task: &TaskView, badges: &[Badge]) -> bool {
        let any = |of: &dyn Fn(&Badge) -> bool| badges.iter().any(of);
        (self.status.is_empty() || task.status == self.status)
            && (self.tag.is_empty() || task.tags.contains(&self.tag))
            && (self.mode.is_empty() || any(&|badge| badge.mode == self.mode && badge.run.is_some()))
            && (self.state.is_empty() || any(&|badge| badge.key == self.state))
            && (!self.needs || any(&|badge| badge.needs))
            && self.text.split_whitespace().all(|word| contains(task, word))
    }
}

/// `word` is in lower case.
fn contains(task: &TaskView, word: &str) -> bool {
    let mut texts = [&task.id, &task.title, &task.assignee, &task.area, &task.phase].into_iter().chain(&task.tags);
    texts.any(|text| text.to_lowercase().contains(word))
}
