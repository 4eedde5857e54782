//! Tasks as JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::tasks::{Task, TaskBody};
use crate::view::problem_view::ProblemView;

/// All tasks, and the problems of their files.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TasksView {
    pub tasks: Vec<TaskView>,
    pub problems: Vec<ProblemView>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskView {
    pub id: String,
    pub title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub priority: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub area: String,
    /// `phase` of the front matter, if it is text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phase: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub assignee: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subtasks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// For an entry of a subtask file: the mode to run it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Its runs need a person's approval.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub gate: bool,
}

/// The answer of `task done`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusChangeView {
    pub id: String,
    pub path: PathBuf,
    /// As the file spells it now, and as it did before; `was` may be empty.
    pub status: String,
    pub was: String,
    pub changed: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskDetail {
    #[serde(flatten)]
    pub task: TaskView,
    /// The whole front matter.
    #[serde(default)]
    pub meta: BTreeMap<String, serde_json::Value>,
    pub body: String,
    pub checklist: Vec<ChecklistView>,
    /// The progress of the tasks below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
}

/// Counts the leaves below a task by state.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressView {
    pub all: usize,
    /// Done by their status.
    pub done: usize,
    /// Not done, and the last run succeeded.
    pub succeeded: usize,
    pub failed: usize,
    pub running: usize,
    pub waiting: usize,
}

/// An item of a task's checklist.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChecklistView {
    pub done: bool,
    pub text: String,
}

impl TaskView {
    pub fn new(task: &Task) -> Self {
        let names = |ids: &[crate::model::names::TaskId]| ids.iter().map(ToString::to_string).collect();
        Self {
            id: task.id.to_string(),
            title: task.title.clone(),
            status: task.status.map_or_else(|| task.status_text.clone(), |status| status.as_str().to_owned()),
            kind: task.kind.clone(),
            priority: task.priority.clone(),
            area: task.area.clone(),
            phase: task.meta.get("phase").and_then(|phase| phase.as_str()).unwrap_or_default().to_owned(),
            tags: task.tags.clone(),
            assignee: task.assignee.clone(),
            parent: task.parent.as_ref().map(ToString::to_string),
            subtasks: names(&task.subtasks),
            order: task.order,
            depends_on: names(&task.depends_on),
            path: task.path.clone(),
            mode: task.declared.as_ref().and_then(|declared| declared.mode.as_ref()).map(ToString::to_string),
            gate: task.declared.as_ref().is_some_and(|declared| declared.gate),
        }
    }
}

impl TaskDetail {
    pub fn new(task: &Task, body: &TaskBody, progress: Option<ProgressView>) -> Self {
        let checklist =
            body.checklist.iter().map(|item| ChecklistView { done: item.done, text: item.text.clone() }).collect();
        let (task, meta) = (TaskView::new(task), task.meta.clone());
        Self { task, meta, body: body.text.clone(), checklist, progress }
    }
}
