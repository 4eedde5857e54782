//! From what was asked for to what is to be started: the subtasks that are meant, what they need,
//! all of it prepared. Starts nothing.

use std::collections::BTreeSet;

use crate::manifest::Mode;
use crate::model::names::{Pair, TaskId};
use crate::plan::graph::Ordering;
use crate::runner::prepare::Request;
use crate::runner::project::{NameLookupError, Project};
use crate::runner::project_store;
use crate::runner::store::Store;
use crate::runner::together;
use crate::runner::together::{How, Planned, Resume, TogetherError};
use crate::system::store::state_dir::StateDirError;
use crate::tasks::{Task, TaskSet};

/// What was asked for, ready to be started.
#[derive(Debug)]
pub struct Asked {
    /// The pairs that were meant, in their order.
    pub pairs: Vec<Pair>,
    /// Whether a window is among them.
    pub windows: bool,
    /// These and what they need, in an order in which they can be started.
    pub planned: Vec<Planned>,
    /// The store, where it had to be asked.
    pub known: Option<Store>,
}

/// What is meant by the tasks that were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    /// `--subtasks`: those below them, each in the mode it declares.
    pub subtasks: bool,
    /// `--resume`.
    pub resume: Resume,
}

/// Why nothing came of what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("no task is below {}", .0.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", "))]
    NoneBelow(Vec<TaskId>),
    #[error(transparent)]
    Name(#[from] NameLookupError),
    #[error(transparent)]
    State(#[from] StateDirError),
    #[error(transparent)]
    Together(#[from] TogetherError),
}

/// Prepares `mode` on `chosen`, and what that needs: all of it before any starts.
pub fn ask(
    project: &Project,
    tasks: &TaskSet,
    mode: &Mode,
    chosen: &[&Task],
    request: &Request,
    meaning: Meaning,
) -> Result<Asked, AskError> {
    let asked = match meaning.subtasks {
        true => subtasks(project, tasks, mode, chosen)?,
        false => chosen.iter().map(|task| (mode, *task)).collect(),
    };
    let ordering = if meaning.subtasks { Ordering::AcrossModes } else { Ordering::WithinMode };
    // Asked only of needs and earlier conversations.
    let asks = meaning.resume != Resume::Nobodys || asked.iter().any(|(mode, _)| !mode.needs.is_empty());
    let known = if asks { project_store::find(project)? } else { None };
    let how = How { ordering, resume: meaning.resume };
    let planned = together::prepare_together(project, tasks, known.as_ref(), &asked, request, &how)?;
    let pair = |(mode, task): &(&Mode, &Task)| Pair { mode: mode.name.clone(), task: task.id.clone() };
    let windows = asked.iter().any(|(mode, _)| mode.interactive);
    Ok(Asked { pairs: asked.iter().map(pair).collect(), windows, planned, known })
}

/// What `--subtasks` means: the tasks below `chosen` that have none of their own, each in the mode
/// it declares, else in `mode`.
fn subtasks<'a>(
    project: &'a Project,
    tasks: &'a TaskSet,
    mode: &'a Mode,
    chosen: &[&'a Task],
) -> Result<Vec<(&'a Mode, &'a Task)>, AskError> {
    let mut asked = Vec::new();
    let mut left: Vec<&Task> = chosen.iter().rev().copied().collect();
    let mut seen = BTreeSet::new();
    while let Some(task) = left.pop() {
        if !seen.insert(&task.id) {
            continue;
        }
        let below: Vec<&Task> = task.subtasks.iter().rev().filter_map(|id| tasks.get(id)).collect();
        if below.is_empty() && !chosen.iter().any(|parent| parent.id == task.id) {
            let declared = task.declared.as_ref().and_then(|declared| declared.mode.as_ref());
            asked.push((
                match declared {
                    Some(name) => project.mode(name.as_str())?,
                    None => mode,
                },
                task,
            ));
        }
        left.extend(below);
    }
    if asked.is_empty() {
        return Err(AskError::NoneBelow(chosen.iter().map(|task| task.id.clone()).collect()));
    }
    Ok(asked)
}
