//! One task, as its file or the manifest's list describes it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::names::TaskId;
use crate::model::task_source::RunInstructions;
use crate::model::task_status::TaskStatus;

/// A piece of work. A field that the file lacks is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: TaskId,
    pub title: String,
    /// `None` where the file has no status, or one that nobody knows.
    pub status: Option<TaskStatus>,
    /// The status as it was written.
    pub status_text: String,
    /// The front matter's `type`.
    pub kind: String,
    pub priority: String,
    pub area: String,
    pub tags: Vec<String>,
    pub assignee: String,
    pub parent: Option<TaskId>,
    /// In the order in which they are to be done.
    pub subtasks: Vec<TaskId>,
    /// The `NN_` prefix of the file, or of an overview's folder. Equal numbers may run in parallel.
    pub order: Option<u32>,
    /// Known tasks only, and never in a circle.
    pub depends_on: Vec<TaskId>,
    /// Below the root that was scanned, as the glob found it. `None` for an entry of `list:` or of a
    /// subtask file.
    pub path: Option<PathBuf>,
    /// How it is run, of an entry of a subtask file.
    pub declared: Option<RunInstructions>,
    /// It stands for its folder (`_overview.md`).
    pub is_overview: bool,
    /// The whole front matter.
    pub meta: BTreeMap<String, serde_json::Value>,
    pub(super) content: Content,
}

/// Where a task's body is read from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// The file itself, with every link resolved and seen to lie below the root.
    File(PathBuf),
    /// Written into the manifest.
    Inline(String),
}
