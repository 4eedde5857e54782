//! Whether an engine may get another run of this project: `max_jobs` of its executor. Reads records and the index.

use crate::lifecycle::store::Store;
use crate::model::engine::EngineExecutor;
use crate::model::run_id::RunId;
use crate::store::index::{Index, IndexError};

/// Whether `executor` may get a run. Without `id` the run is a new one and goes behind those that wait; with it, it is the
/// oldest that waits. To submit on this answer, the caller must hold the engines lock.
pub(crate) fn has_room(
    store: &Store,
    index: &Index,
    executor: &EngineExecutor,
    id: Option<&RunId>,
) -> Result<bool, IndexError> {
    let Some(max) = executor.max_jobs else { return Ok(true) };
    let mut taken: u32 = 0;
    for (other, facts) in index.active_facts()? {
        let is_rival = facts.is_some_and(|facts| facts.executor.as_ref() == Some(&executor.name)) && Some(&other) != id;
        if !is_rival {
            continue;
        }
        let folder = store.folder(&other);
        let goes_first = id.is_none() || !folder.is_queued();
        if goes_first && !folder.has_exit() {
            taken = taken.saturating_add(1);
        }
    }
    Ok(taken < max)
}
