//! All tasks of a project, and how a typed name finds one.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use crate::model::names::{NameError, TaskId};
use crate::model::nearest::nearest;
use crate::model::problem::Problem;
use crate::tasks::ids::OVERVIEW;
use crate::tasks::task::Task;

/// The result of a scan.
#[derive(Clone, Debug, Default)]
pub struct TaskSet {
    tasks: Vec<Task>,
    by_id: HashMap<TaskId, usize>,
    problems: Vec<Problem>,
    broken: BTreeMap<String, Broken>,
    circles: Vec<Vec<TaskId>>,
}

/// Files that cannot be used, by the id they would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tasks) struct Broken {
    pub(in crate::tasks) reason: String,
    pub(in crate::tasks) paths: Vec<PathBuf>,
}

/// Why a typed text is not a task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    #[error("unknown task `{typed}`")]
    Unknown { typed: String, nearest: Option<String> },
    /// `_overview` is an alias only while one exists.
    #[error("`_overview` could be {} different tasks", ids.len())]
    AmbiguousOverview { ids: Vec<TaskId> },
    /// Its file is broken, or another has the same id.
    #[error("task `{typed}` cannot be used: {reason}")]
    Damaged { typed: String, reason: String, paths: Vec<PathBuf> },
    #[error("invalid task id: {0}")]
    InvalidName(#[from] NameError),
}

impl TaskSet {
    pub(in crate::tasks) fn new(tasks: Vec<Task>, problems: Vec<Problem>, broken: BTreeMap<String, Broken>) -> Self {
        let by_id = tasks.iter().enumerate().map(|(i, task)| (task.id.clone(), i)).collect();
        Self { tasks, by_id, problems, broken, circles: Vec::new() }
    }

    pub(in crate::tasks) fn with_circles(self, circles: Vec<Vec<TaskId>>) -> Self {
        Self { circles, ..self }
    }

    /// Dependencies that were cut since they run in a circle: each a path from a task back to it.
    pub fn circles(&self) -> &[Vec<TaskId>] {
        &self.circles
    }

    /// By source, folder, `NN_` and name; each parent directly before its subtasks.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    pub fn get(&self, id: &TaskId) -> Option<&Task> {
        self.by_id.get(id).map(|i| &self.tasks[*i])
    }

    /// Everything that was wrong or odd. An error left its file out, or cut a circle.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The task that a user means by `typed`: its id, or `_overview` while there is only one.
    pub fn find(&self, typed: &str) -> Result<&Task, FindError> {
        let id = TaskId::parse(typed);
        if let Ok(id) = &id {
            if let Some(task) = self.get(id) {
                return Ok(task);
            }
            if typed == OVERVIEW {
                let overviews: Vec<&Task> = self.tasks.iter().filter(|task| task.is_overview).collect();
                match overviews[..] {
                    [] => {}
                    [one] => return Ok(one),
                    _ => {
                        let ids = overviews.iter().map(|task| task.id.clone()).collect();
                        return Err(FindError::AmbiguousOverview { ids });
                    }
                }
            }
        }
        if let Some(Broken { reason, paths }) = self.broken.get(typed) {
            let (reason, paths) = (reason.clone(), paths.clone());
            return Err(FindError::Damaged { typed: typed.to_owned(), reason, paths });
        }
        id?;
        let nearest = nearest(typed, self.tasks.iter().map(|task| task.id.as_str())).map(str::to_owned);
        Err(FindError::Unknown { typed: typed.to_owned(), nearest })
    }
}
