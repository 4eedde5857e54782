//! The progress of the tree below a task: the state of the last run of each leaf.
//!
//! A leaf is done if its status says so, independently of its runs. Entries of a subtask file have no status: such
//! a leaf is done if its last run, in the mode that the file names, succeeded.

use std::collections::{BTreeSet, HashMap};

use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::names::TaskId;
use crate::model::run::Run;
use crate::model::run_state::{EndState, RunState};
use crate::model::task_status::TaskStatus;
use crate::store::index::IndexError;
use crate::tasks::{Task, TaskSet};

/// Counts the leaves below a task, which are the tasks without subtasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeProgress {
    pub all: usize,
    pub done: usize,
    /// The last run succeeded, but the task is not done.
    pub succeeded: usize,
    pub failed: usize,
    pub running: usize,
    pub waiting: usize,
}

/// `None` if nothing is below the task. `store` is `None` if nothing was ever run.
pub fn tree_progress(tasks: &TaskSet, store: Option<&Store>, task: &Task) -> Result<Option<TreeProgress>, IndexError> {
    let leaves = leaves(tasks, task);
    if leaves.is_empty() {
        return Ok(None);
    }
    let last = last_runs(tasks, store)?;
    let mut progress = TreeProgress { all: leaves.len(), ..TreeProgress::default() };
    for leaf in leaves {
        let state = last.get(&leaf.id).map(|run| &run.state);
        match state {
            Some(RunState::Queued(_)) => progress.waiting += 1,
            Some(RunState::Starting | RunState::Running | RunState::Stopping) => progress.running += 1,
            _ if matches!(leaf.status, Some(TaskStatus::Done | TaskStatus::Archived)) => progress.done += 1,
            Some(RunState::Ended(EndState::Succeeded)) if leaf.declared.is_some() => progress.done += 1,
            Some(RunState::Ended(EndState::Succeeded)) => progress.succeeded += 1,
            Some(RunState::Ended(_)) => progress.failed += 1,
            Some(RunState::Unknown(_)) | None => {}
        }
    }
    Ok(Some(progress))
}

/// The last run of each task: in the mode that it declares, else in any.
pub fn last_runs(tasks: &TaskSet, store: Option<&Store>) -> Result<HashMap<TaskId, Run>, IndexError> {
    let mut last: HashMap<TaskId, Run> = HashMap::new();
    if let Some(store) = store {
        // Active runs first: a run that ends meanwhile is then among the ended.
        let active = refresh::all(store)?.runs;
        for run in active.into_iter().chain(store.last_ended(u32::MAX)?).filter(|run| is_in_its_mode(tasks, run)) {
            match last.get(&run.facts.task) {
                Some(other) if other.id() >= run.id() => {}
                _ => drop(last.insert(run.facts.task.clone(), run)),
            }
        }
    }
    Ok(last)
}

/// False for a run of a subtask in another mode than the subtask file names.
fn is_in_its_mode(tasks: &TaskSet, run: &Run) -> bool {
    let declared = tasks.get(&run.facts.task).and_then(|task| task.declared.as_ref());
    declared.and_then(|declared| declared.mode.as_ref()).is_none_or(|mode| *mode == run.facts.mode)
}

fn leaves<'t>(tasks: &'t TaskSet, top: &'t Task) -> Vec<&'t Task> {
    let mut seen = BTreeSet::new();
    let mut left = vec![top];
    let mut leaves = Vec::new();
    while let Some(task) = left.pop() {
        if seen.insert(&task.id) {
            let below: Vec<&Task> = task.subtasks.iter().filter_map(|id| tasks.get(id)).collect();
            if below.is_empty() && task.id != top.id {
                leaves.push(task);
            }
            left.extend(below);
        }
    }
    leaves
}
