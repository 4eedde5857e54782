//! Where tasks come from, as the manifest declares it.

use crate::model::names::TaskId;

/// One entry of the manifest's `tasks:`.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskSource {
    /// A glob relative to the manifest's folder.
    Files(String),
    /// Tasks written into the manifest itself.
    List(Vec<ListedTask>),
}

/// A task of `list:`. A field that is not given is empty.
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
}
