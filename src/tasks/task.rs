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
    /// `None` if the file has no status or an unknown one.
    pub status: Option<TaskStatus>,
    /// The status as written.
    pub status_text: String,
    /// The front matter's `type`.
    pub kind: String,
    pub priority: String,
    pub area: String,
    pub tags: Vec<String>,
    pub assignee: String,
    pub parent: Option<TaskId>,
    /// In the order of work.
    pub subtasks: Vec<TaskId>,
    /// The `NN_` prefix of the file, or of an overview's folder. Equal numbers may run in parallel.
    pub order: Option<u32>,
    /// Known tasks only, without cycles.
    pub depends_on: Vec<TaskId>,
    /// Below the root that was scanned, as the glob matched it. `None` for an entry of `list:` or of a subtask file.
    pub path: Option<PathBuf>,
    /// How to run it; only in an entry of a subtask file.
    pub declared: Option<RunInstructions>,
    /// It is the task of its folder (`_overview.md`).
    pub is_overview: bool,
    /// The whole front matter.
    pub meta: BTreeMap<String, serde_json::Value>,
    pub(super) content: Content,
}

/// The source of a task's body.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// The resolved file, which is below the root.
    File(PathBuf),
    /// Written in the manifest.
    Inline(String),
}
