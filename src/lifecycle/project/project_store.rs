//! The state folder of a project: found where anything was ever run, or made for what starts something.
//!
//! While a run lives in a state folder of an older version, that folder is the project's.

use crate::lifecycle::notify;
use crate::lifecycle::project::older_state;
use crate::lifecycle::project::{NameLookupError, Project};
use crate::lifecycle::store::{DayLimit, Store};
use crate::model::names::TaskId;
use crate::model::names::{ModeName, Pair};
use crate::store::state_dir::StateDirError;
use crate::tasks::FindError;

/// The store, where anything was ever run.
pub fn find(project: &Project) -> Result<Option<Store>, StateDirError> {
    let found = match older_state::older_store(project)? {
        Some(older) => Some(older),
        None => Store::find(&project.manifest.state_dir)?,
    };
    Ok(found.map(|store| equip(project, store)))
}

/// The same for who starts something. Also of a folder that is `known` parts may be missing,
/// where whoever makes it has been killed or is not done yet.
pub fn create(project: &Project, known: Option<Store>) -> Result<Store, StateDirError> {
    older_state::no_older_run(project)?;
    let made = Store::create(&project.manifest.state_dir)?;
    notify::write_notify_settings(&made, &project.manifest, &project.tmux());
    Ok(equip(project, known.unwrap_or(made)))
}

fn equip(project: &Project, mut store: Store) -> Store {
    store.day_limit = DayLimit::Now(project.manifest.budget.day);
    store.terminal = project.terminal_preference();
    store
}

/// The pair whose runs are meant: its mode or task may be gone from the project by now.
pub fn past_pair(project: &Project, mode: &str, task: &str) -> Result<Pair, NameLookupError> {
    let name = ModeName::parse(mode).map_err(NameLookupError::InvalidMode)?;
    let id = match TaskId::parse(task) {
        Ok(id) => id,
        // Only the path of a file that is there names a task without being an id.
        Err(_) if project.typed_in.is_some() => project.tasks().find(task)?.id.clone(),
        Err(error) => return Err(FindError::InvalidName(error).into()),
    };
    let pair = Pair { mode: name, task: id };
    let has_runs = find(project)
        .ok()
        .flatten()
        .and_then(|store| store.index().ok()?.of_pair(&pair).ok())
        .is_some_and(|ids| !ids.is_empty());
    if has_runs { Ok(pair) } else { project.pair(&project.tasks(), mode, task) }
}
