//! The sources of tasks that the manifest declares.

use std::fmt;
use std::path::PathBuf;

use crate::model::names::{ModeName, TaskId};
use crate::model::problem::Problem;

#[derive(Clone, Debug, PartialEq)]
pub enum TaskSource {
    Files(TaskFiles),
    /// Tasks written in the manifest.
    List(Vec<ListedTask>),
    Subtasks(SubtaskFile),
}

#[derive(Clone, Debug, PartialEq)]
pub struct TaskFiles {
    /// Relative to the manifest's folder.
    pub glob: String,
    /// The template of the tasks' ids; `None`: each file determines its own id.
    pub id: Option<IdTemplate>,
}

impl TaskFiles {
    /// Files that determine their own ids.
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

/// Renders a text once for each value, in order. An error describes what is wrong with that value.
pub type RenderIds = fn(&str, Vec<serde_json::Value>) -> Vec<Result<String, String>>;

impl PartialEq for IdTemplate {
    /// Compares the texts; there is only one renderer.
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
    /// If one is an error, the file is ignored.
    pub problems: Vec<Problem>,
}

/// How a subtask is run, as its file declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunInstructions {
    pub mode: Option<ModeName>,
    /// Literal text, not a template.
    pub prompt: Option<String>,
    /// A person must approve each run before it starts.
    pub gate: bool,
}

/// A task of `list:` or of a subtask file. Missing fields are empty.
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
    /// Only for a subtask file.
    pub declared: Option<RunInstructions>,
}

impl ListedTask {
    /// A task with only an id.
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
