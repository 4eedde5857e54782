//! Which tasks the board shows. Pure.

use serde::Serialize;

use crate::serve::query::Query;
use crate::serve::refusal::Refusal;
use crate::view::badge::Badge;
use crate::view::task_view::TaskView;

/// Rows of one request by default, and at most: a page that was scrolled fetches all its rows again.
const ROWS: usize = 100;
const MOST_ROWS: usize = 2000;

/// What the board's tasks are grouped by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Grouping {
    /// By phase, and below their parents.
    #[default]
    Phase,
    Parent,
    Status,
    /// The mode of the last run.
    Mode,
    /// The agent of the last run.
    Agent,
}

/// The order of the board's tasks within a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sorting {
    /// The latest activity first.
    #[default]
    Newest,
    /// What needs the user first, then what is active.
    Needs,
    /// The order of the tasks.
    Task,
    Title,
    Status,
}

/// How much room a row of the board takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Density {
    #[default]
    Line,
    Compact,
    Roomy,
}

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
    pub(super) sort: Sorting,
    pub(super) group: Grouping,
    pub(super) density: Density,
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
            sort: query.value("sort", sorting)?.unwrap_or_default(),
            group: query.value("group", grouping)?.unwrap_or_default(),
            density: query.value("density", density)?.unwrap_or_default(),
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

    /// Whether the filter depends on a task's runs.
    pub(super) fn asks_for_runs(&self) -> bool {
        self.needs || !self.mode.is_empty() || !self.state.is_empty()
    }

    /// `None` if the task is not selected; else 0 if the text is in its id, title and tags, 1 if it is also in others.
    pub(super) fn finds(&self, task: &TaskView, badges: &[Badge]) -> Option<u8> {
        let any = |of: &dyn Fn(&Badge) -> bool| badges.iter().any(of);
        let selected = (self.status.is_empty() || task.status == self.status)
            && (self.tag.is_empty() || task.tags.contains(&self.tag))
            && (self.mode.is_empty() || any(&|badge| badge.mode == self.mode && badge.run.is_some()))
            && (self.state.is_empty() || any(&|badge| badge.key == self.state))
            && (!self.needs || any(&|badge| badge.needs || badge.unseen));
        if !selected {
            return None;
        }
        let mut found_by = 0;
        for word in self.text.split_whitespace() {
            let within = |text: &String| text.to_lowercase().contains(word);
            if ![&task.id, &task.title].into_iter().chain(&task.tags).any(within) {
                found_by = 1;
                if ![&task.assignee, &task.area, &task.phase].into_iter().any(within) {
                    return None;
                }
            }
        }
        Some(found_by)
    }
}

fn sorting(text: &str) -> Option<Sorting> {
    Some(match text {
        "" | "newest" => Sorting::Newest,
        "needs" => Sorting::Needs,
        "task" => Sorting::Task,
        "title" => Sorting::Title,
        "status" => Sorting::Status,
        _ => return None,
    })
}

fn grouping(text: &str) -> Option<Grouping> {
    Some(match text {
        "" | "phase" => Grouping::Phase,
        "parent" => Grouping::Parent,
        "status" => Grouping::Status,
        "mode" => Grouping::Mode,
        "agent" => Grouping::Agent,
        _ => return None,
    })
}

fn density(text: &str) -> Option<Density> {
    Some(match text {
        "" | "line" => Density::Line,
        "compact" => Density::Compact,
        "roomy" => Density::Roomy,
        _ => return None,
    })
}
