//! A command's only word: a task, for its runs in all modes.

use crate::cli::error::{CliError, USAGE};
use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::project::{Project, project_store};
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::names::{Pair, TaskId};
use crate::model::run::Run;

/// The task and the last run of each of its pairs, in the order of their starts. Fails if there is no such task.
pub(super) fn find(
    project: &Project,
    store: Option<&Store>,
    word: &str,
    command: &str,
) -> Result<(TaskId, Vec<Run>), CliError> {
    let task = project_store::past_task(project, store, word).map_err(|error| {
        let failure = Failure::from(error);
        match project.mode(word) {
            Ok(mode) if failure.kind == Kind::UnknownTask => {
                let mode = &mode.name;
                CliError::from(failure).hint(format!("`{mode}` is a mode: `dispatch {command} {mode} TASK`"))
            }
            _ => failure.into(),
        }
    })?;
    let runs = store.map(|store| refresh::last_of_task(store, &task)).transpose()?.unwrap_or_default();
    Ok((task, runs))
}

/// The error for a task that is active in several modes; its hints are the commands to choose from.
pub(super) fn several(task: &TaskId, active: impl IntoIterator<Item = Pair>, command: &str) -> CliError {
    let hints: Vec<String> = active.into_iter().map(|pair| format!("dispatch {command} {pair}")).collect();
    let error = CliError::new(USAGE, format!("`{task}` is active in {} modes", hints.len()));
    hints.into_iter().fold(error, CliError::hint)
}
