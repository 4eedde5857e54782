//! Deletes old ended runs by the retention policy, but none that a queued run waits for.

use std::collections::HashSet;

use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::model::run_id::RunId;
use crate::model::run_spec::Keep;
use crate::os::clock;
use crate::plan::retention;
use crate::store::index::{Index, IndexError};

/// Why old runs could not be deleted.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("a run folder cannot be removed")]
    Io(#[from] std::io::Error),
}

/// Prunes one pair by `keep`, or by the policy of its newest ended run. Returns the deleted ids.
pub fn prune_pair(store: &Store, pair: &Pair, keep: Option<&Keep>) -> Result<Vec<RunId>, PruneError> {
    let ids = prunable(store, pair, keep)?;
    for id in &ids {
        // The folder first: a row without a folder is harmless, a folder without a row is not.
        store.folder(id).remove()?;
        store.with_index(|index| index.remove(id))?;
    }
    Ok(ids)
}

/// What [`prune_pair`] would delete.
pub fn prunable(store: &Store, pair: &Pair, keep: Option<&Keep>) -> Result<Vec<RunId>, PruneError> {
    let ended: Vec<_> = store
        .with_index(|index| index.ended_of(pair))?
        .into_iter()
        .filter_map(|(id, at)| Some((id, jiff::Timestamp::from_millisecond(at).ok()?)))
        .collect();
    let policy = match keep {
        Some(keep) => Some(keep.clone()),
        None => ended.first().and_then(|(id, _)| store.folder(id).read_spec().ok()).map(|spec| spec.launch.keep),
    };
    let mut old = policy.map(|policy| retention::to_prune(&ended, &policy, clock::now())).unwrap_or_default();
    if !old.is_empty() {
        let awaited = awaited(store)?;
        old.retain(|id| !awaited.contains(id));
    }
    Ok(old)
}

/// The runs that queued ones wait for: if deleted, they would count as failed.
fn awaited(store: &Store) -> Result<HashSet<RunId>, IndexError> {
    let queued = store.with_index(Index::queued)?;
    let specs = queued.into_iter().filter_map(|queued| store.folder(&queued.id).read_spec().ok());
    Ok(specs.flat_map(|spec| spec.launch.conditions.after).collect())
}

/// All pairs that have ended runs.
pub fn pairs(store: &Store) -> Result<Vec<Pair>, IndexError> {
    store.with_index(Index::pairs)
}
