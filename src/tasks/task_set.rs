//! All tasks of a project, and the search for the task that a user names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::model::names::{NameError, TaskId};
use crate::model::nearest::nearest;
use crate::model::problem::Problem;
use crate::tasks::ids::OVERVIEW;
use crate::tasks::path_word::{self, Match};
use crate::tasks::task::Task;

/// The result of a scan.
#[derive(Clone, Debug, Default)]
pub struct TaskSet {
    tasks: Vec<Task>,
    by_id: HashMap<TaskId, usize>,
    problems: Vec<Problem>,
    broken: BTreeMap<String, UnusableFiles>,
    circles: Vec<Vec<TaskId>>,
    words: Option<PathWords>,
}

/// The folders that are needed to find a task by the path of its file.
#[derive(Clone, Debug)]
struct PathWords {
    root: PathBuf,
    here: PathBuf,
}

/// Unusable files that would have one id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnusableFiles {
    pub(super) reason: String,
    pub(super) paths: Vec<PathBuf>,
    /// The mistake in the file; `None` if `reason` is enough.
    pub(super) problem: Option<Problem>,
}

/// Why a typed text names no task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    #[error("unknown task `{typed}`")]
    Unknown { typed: String, nearest: Option<String> },
    /// `_overview` is an alias only while there is one overview.
    #[error("`_overview` could be {} different tasks", ids.len())]
    AmbiguousOverview { ids: Vec<TaskId> },
    /// The text is a suffix of the paths of several files.
    #[error("`{typed}` could be {} different tasks", tasks.len())]
    AmbiguousPath { typed: String, tasks: Vec<String> },
    #[error("there is no task file `{typed}`")]
    NoFile { typed: String },
    /// Its file is broken, or several files have this id.
    #[error("task `{typed}` cannot be used: {reason}")]
    Damaged { typed: String, reason: String, paths: Vec<PathBuf>, problem: Option<Box<Problem>> },
    #[error("invalid task id: {0}")]
    InvalidName(#[from] NameError),
}

impl UnusableFiles {
    fn error(&self, typed: &str) -> FindError {
        let Self { reason, paths, problem } = self.clone();
        FindError::Damaged { typed: typed.to_owned(), reason, paths, problem: problem.map(Box::new) }
    }
}

impl TaskSet {
    pub(super) fn new(tasks: Vec<Task>, problems: Vec<Problem>, broken: BTreeMap<String, UnusableFiles>) -> Self {
        let by_id = tasks.iter().enumerate().map(|(i, task)| (task.id.clone(), i)).collect();
        Self { tasks, by_id, problems, broken, circles: Vec::new(), words: None }
    }

    pub(super) fn with_circles(self, circles: Vec<Vec<TaskId>>) -> Self {
        Self { circles, ..self }
    }

    /// Makes [`Self::find`] also accept the path of a task's file, or a suffix of it, as typed in the folder `here`.
    pub fn with_path_words(self, root: &Path, here: &Path) -> Self {
        Self { words: Some(PathWords { root: root.to_owned(), here: here.to_owned() }), ..self }
    }

    /// Dependency cycles that were broken: each a path from a task back to itself.
    pub fn circles(&self) -> &[Vec<TaskId>] {
        &self.circles
    }

    /// Sorted by source, folder, `NN_` and name; each parent directly before its subtasks.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    pub fn get(&self, id: &TaskId) -> Option<&Task> {
        self.by_id.get(id).map(|i| &self.tasks[*i])
    }

    /// All errors and warnings. An error excluded its file or broke a cycle.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The task with the id `typed`, or `_overview` if there is only one. After [`Self::with_path_words`] also the task
    /// whose file has the path `typed` or a path with this suffix.
    pub fn find(&self, typed: &str) -> Result<&Task, FindError> {
        let found = self.find_id(typed);
        let Some(words) = &self.words else { return found };
        if !matches!(found, Err(FindError::Unknown { .. } | FindError::InvalidName(_))) {
            return found;
        }
        match self.by_path(typed, words) {
            None if typed.contains('/') => Err(FindError::NoFile { typed: typed.to_owned() }),
            named => named.unwrap_or(found),
        }
    }

    /// The task whose file `typed` names, or why that file is unusable; `None` if `typed` names no file.
    fn by_path(&self, typed: &str, words: &PathWords) -> Option<Result<&Task, FindError>> {
        let matches = |path: &Path| path_word::compare(typed, &words.here, &words.root, path);
        let own =
            self.tasks.iter().filter_map(|task| Some((matches(task.path.as_deref()?), task.path.as_ref()?, Ok(task))));
        let broken = self
            .broken
            .iter()
            .flat_map(|(id, broken)| broken.paths.iter().map(move |path| (matches(path), path, Err(broken.error(id)))));
        let mut found: Vec<_> = own.chain(broken).filter(|(matched, ..)| *matched != Match::No).collect();
        let best = found.iter().map(|(matched, ..)| *matched).max()?;
        found.retain(|(matched, ..)| *matched == best);
        // An unusable file is listed under each of its ids.
        let mut seen = HashSet::new();
        found.retain(|(_, path, _)| seen.insert(path.as_path()));
        if found.len() == 1 {
            return found.pop().map(|(_, _, task)| task);
        }
        let shown = |path: &Path| path.strip_prefix(&words.root).unwrap_or(path).display().to_string();
        let tasks = found.iter().map(|(_, path, task)| match task {
            Ok(task) => format!("{} ({})", task.id, shown(path)),
            Err(_) => shown(path),
        });
        Some(Err(FindError::AmbiguousPath { typed: typed.to_owned(), tasks: tasks.collect() }))
    }

    /// The task with this id, or `_overview` if there is only one.
    pub fn find_id(&self, typed: &str) -> Result<&Task, FindError> {
        let id = TaskId::parse(typed);
        if let Ok(id) = &id {
            if let Some(task) = self.get(id) {
                return Ok(task);
            }
            let overviews = self.tasks.iter().filter(|task| typed == OVERVIEW && task.is_overview);
            match overviews.collect::<Vec<_>>()[..] {
                [] => {}
                [one] => return Ok(one),
                ref all => {
                    let ids = all.iter().map(|task| task.id.clone()).collect();
                    return Err(FindError::AmbiguousOverview { ids });
                }
            }
        }
        if let Some(broken) = self.broken.get(typed) {
            return Err(broken.error(typed));
        }
        id?;
        let nearest = nearest(typed, self.tasks.iter().map(|task| task.id.as_str())).map(str::to_owned);
        Err(FindError::Unknown { typed: typed.to_owned(), nearest })
    }
}
