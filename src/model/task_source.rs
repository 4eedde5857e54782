//! Where tasks come from, as the manifest declares it.

use std::fmt;
use std::path::PathBuf;

use crate::model::names::{ModeName, TaskId};
use crate::model::problem::Problem;

/// One entry of the manifest's `tasks:`.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskSource {
    Files(TaskFiles),
    /// Tasks written into the manifest itself.
    List(Vec<ListedTask>),
    Subtasks(SubtaskFile),
}

/// An entry of `files:`.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskFiles {
    /// Relative to the manifest's folder.
    pub glob: String,
    /// Names the files' tasks in place of their own ids.
    pub id: Option<IdTemplate>,
}

impl TaskFiles {
    /// Files that are named by themselves.
    pub fn new(glob: impl Into<String>) -> Self {
        Self { glob: glob.into(), id: None }
    }
}

/// A text with expressions in double braces over `file` and `meta`, and the function that renders it.
#[derive(Clone)]
pub struct IdTemplate {
    pub text: String,
    pub render: RenderIds,
}

/// Renders a text once for each of the values, in their order. An error says what is wrong with that value.
pub type RenderIds = fn(&str, Vec<serde_json::Value>) -> Vec<Result<String, String>>;

impl PartialEq for IdTemplate {
    /// By their texts: there is one way to render them.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for IdTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdTemplate({:?})", self.text)
    }
}

/// A file of `subtasks:`, as it was when the manifest was read.
#[derive(Clone, Debug, PartialEq)]
pub struct SubtaskFile {
    pub path: PathBuf,
    pub tasks: Vec<ListedTask>,
    /// An error among them leaves the file out.
    pub problems: Vec<Problem>,
}

/// How a subtask says that it is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunInstructions {
    pub mode: Option<ModeName>,
    /// A given text, not a template.
    pub prompt: Option<String>,
    /// A person must approve each run of it before it starts.
    pub gate: bool,
}

/// A task of `list:` or of a subtask file. A field that is not given is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedTask {
    pub id: TaskId,
    pub title: String,
    pub status: String,
    pub kind: String,
    pub priority: String,
    pub area: String,
    pub tags: Vec<String>,
    pub assignee: String,
    pub parent: Option<TaskId>,
    pub depends_on: Vec<TaskId>,
    pub body: String,
    /// Of a subtask file only.
    pub declared: Option<RunInstructions>,
}

impl ListedTask {
    /// A task that says nothing but its id.
    pub fn new(id: TaskId) -> Self {
        Self {
            id,
            title: String::new(),
            status: String::new(),
            kind: String::new(),
            priority: String::new(),
            area: String::new(),
            tags: Vec::new(),
            assignee: String::new(),
            parent: None,
            depends_on: Vec::new(),
            body: String::new(),
            declared: None,
        }
    }
}
