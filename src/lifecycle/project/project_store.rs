//! Opens the state folder of a project, or creates it for a command that starts something.
//! While a run is active in an older version's state folder, that folder is used.

use crate::lifecycle::notify;
use crate::lifecycle::observe::EarlyListing;
use crate::lifecycle::project::locate::{ManifestLocation, locate};
use crate::lifecycle::project::{NameLookupError, Project, older_state};
use crate::lifecycle::store::{DayLimit, Store};
use crate::model::names::{ModeName, Pair, TaskId};
use crate::store::state_dir::{StateDir, StateDirError};
use crate::tasks::FindError;

/// The store; `None` if nothing was ever run. Fails if the state folder is unusable.
pub fn find(project: &Project) -> Result<Option<Store>, StateDirError> {
    let found = match older_state::older_store(project)? {
        Some(older) => Some(older),
        None => Store::find(&project.manifest.state_dir)?,
    };
    Ok(found.map(|store| equip(project, store)))
}

/// Starts listing the windows of the project at `location`, before its manifest is read. `None` if its usual state
/// folder names no tmux server.
pub fn begin_listing(location: &ManifestLocation) -> Option<EarlyListing> {
    let home = locate(location).ok()??.home;
    let state = StateDir::find(&home.usual_state_dir()).ok()??;
    EarlyListing::begin(&state)
}

/// Opens or creates the store for starting runs. A `known` store may lack parts, if the process that created it was
/// killed or is not done, so it is completed too. Fails while a run is active in an older folder.
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

/// The pair of a past run; its mode or task need not exist any more. Fails if it has no runs and does not exist.
pub fn past_pair(project: &Project, mode: &str, task: &str) -> Result<Pair, NameLookupError> {
    let name = ModeName::parse(mode).map_err(NameLookupError::InvalidMode)?;
    let id = typed_id(project, task)?;
    let pair = Pair { mode: name, task: id };
    let has_runs = find(project)
        .ok()
        .flatten()
        .and_then(|store| store.index().ok()?.of_pair(&pair).ok())
        .is_some_and(|ids| !ids.is_empty());
    if has_runs { Ok(pair) } else { project.pair(&project.tasks(), mode, task) }
}

/// The task of past runs; its file need not exist any more. Fails if it has no runs and does not exist.
pub fn past_task(project: &Project, store: Option<&Store>, typed: &str) -> Result<TaskId, NameLookupError> {
    let id = typed_id(project, typed)?;
    let runs = store.and_then(|store| store.with_index(|index| index.newest_of_task(&id)).ok());
    match runs.is_some_and(|ids| !ids.is_empty()) {
        true => Ok(id),
        false => Ok(project.tasks().find(typed)?.id.clone()),
    }
}

/// The id that `typed` is, else that of the task file that it names.
fn typed_id(project: &Project, typed: &str) -> Result<TaskId, NameLookupError> {
    match TaskId::parse(typed) {
        Ok(id) => Ok(id),
        // An invalid id may still be the path of a task file.
        Err(_) if project.typed_in.is_some() => Ok(project.tasks().find(typed)?.id.clone()),
        Err(error) => Err(FindError::InvalidName(error).into()),
    }
}
