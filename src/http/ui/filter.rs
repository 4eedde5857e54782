//! Which tasks of the board are asked for. Pure.

use serde::Serialize;

use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::ui::badge::Badge;
use crate::view::task_view::TaskView;

/// So many rows come at once, where the page does not say.
const ROWS: usize = 100;
/// What was scrolled into sight is laid out anew as a whole.
const MOST_ROWS: usize = 2000;

/// As the page's address and its fields say it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Filter {
    /// Words that all must be found in id, title, tags or assignee.
    pub(super) text: String,
    pub(super) status: String,
    pub(super) tag: String,
    /// Only tasks that ran in this mode, and only its badges.
    pub(super) mode: String,
    /// The state of any badge: `running`, `failed`…
    pub(super) state: String,
    pub(super) needs: bool,
    /// `task`: as the tasks are ordered; else what happened last comes first.
    pub(super) sort: String,
    pub(super) from: usize,
    pub(super) count: usize,
}

impl Filter {
    pub(super) fn read(query: &mut Query) -> Result<Self, Refusal> {
        let text = |query: &mut Query, name| query.text(name).unwrap_or_default();
        let number = |query: &mut Query, name| {
            query.number(name).map(|number| number.and_then(|number| usize::try_from(number).ok()))
        };
        let needs = query.value("needs", |text| ["", "0", "1"].contains(&text).then(|| text == "1"))?.unwrap_or(false);
        Ok(Self {
            text: text(query, "text").trim().to_lowercase(),
            status: text(query, "status"),
            tag: text(query, "tag"),
            mode: text(query, "mode"),
            state: text(query, "state"),
            needs,
            sort: text(query, "sort"),
            from: number(query, "from")?.unwrap_or(0),
            count: number(query, "count")?.unwrap_or(ROWS).clamp(1, MOST_ROWS),
        })
    }

    /// Whether everything is asked for.
    pub(super) fn is_open(&self) -> bool {
        let texts = [&self.text, &self.status, &self.tag, &self.mode, &self.state];
        texts.iter().all(|text| text.is_empty()) && !self.needs
    }

    pub(super) fn takes(&self, task: &TaskView, badges: &[Badge]) -> bool {
        let any = |of: &dyn Fn(&Badge) -> bool| badges.iter().any(of);
        (self.status.is_empty() || task.status == self.status)
            && (self.tag.is_empty() || task.tags.contains(&self.tag))
            && (self.mode.is_empty() || any(&|badge| badge.mode == self.mode && badge.run.is_some()))
            && (self.state.is_empty() || any(&|badge| badge.key == self.state))
            && (!self.needs || any(&|badge| badge.needs))
            && self.text.split_whitespace().all(|word| holds(task, word))
    }
}

/// `word` is in lower case.
fn holds(task: &TaskView, word: &str) -> bool {
    let mut texts = [&task.id, &task.title, &task.assignee, &task.area, &task.phase].into_iter().chain(&task.tags);
    texts.any(|text| text.to_lowercase().contains(word))
}
