//! What every unfinished run of a state folder is doing.
//!
//! Reads the index, records, locks, processes and tmux, at most one tmux client for each server that
//! unfinished runs were started on. Changes nothing (the index alone may be rebuilt, which is a cache):
//! what has to be written down is returned, and `reap` writes it.

mod fast_path;
mod judge;
mod observation;
mod panes;
mod probe;

use std::collections::HashSet;

use crate::model::run::{Run, RunFacts};
use crate::model::run_id::RunId;
use crate::os::clock::Stopwatch;
use crate::runner::store::Store;
use crate::store::index::{Index, IndexError};
use crate::store::record_file::RecordError;
use crate::store::run_folder::RunFolder;

pub(super) use judge::{Judgement, PATIENCE, judge, probe_again};
pub(super) use observation::Observation;
pub(super) use panes::PaneListings;
pub(super) use probe::probe;

/// What was seen. The lists below `notices` are for `reap`.
#[derive(Default)]
pub(super) struct Observations {
    /// Runs whose state is settled, and runs whose end is on record.
    pub(super) runs: Vec<Run>,
    /// What the user should hear of the records themselves.
    pub(super) notices: Vec<String>,
    /// Runs that are over and have no end on record.
    pub(super) over: Vec<OverRun>,
    /// Rows of runs that were never written: their writer is gone.
    pub(super) leftovers: Vec<RunId>,
    /// Dead runs whose spec is damaged.
    pub(super) damaged_specs: Vec<RunId>,
    /// Runs whose recorded end is damaged, and the damage.
    pub(super) damaged_ends: Vec<(RunFolder, RecordError)>,
    /// No window is unfinished, and the state folder's hint names a tmux server.
    pub(super) hint_is_stale: bool,
    pub(super) listings: PaneListings,
}

/// A run that is over, by what was seen of it.
pub(super) struct OverRun {
    pub(super) observation: Observation,
    pub(super) judgement: Judgement,
    /// Since its first judgement.
    pub(super) since: Stopwatch,
}

/// All unfinished runs.
pub(super) fn all(store: &Store) -> Result<Observations, IndexError> {
    // tmux takes longer to answer than all the rest: it is asked first where windows are known.
    let hint = store.state().windows_hint();
    let listings = PaneListings::early(hint.clone(), store.tmux_patience.clone());
    let known = store.with_index(Index::active_facts)?;
    let has_windows = known.iter().any(|(_, facts)| facts.as_ref().is_none_or(|facts| !facts.headless));
    let seen = observe(store, known, listings)?;
    Ok(Observations { hint_is_stale: hint.is_some() && !has_windows, ..seen })
}

/// Those of these runs that the index knows.
pub(super) fn some(store: &Store, ids: &[RunId]) -> Result<Observations, IndexError> {
    let known = store.with_index(|index| {
        ids.iter().map(|id| Ok((id.clone(), index.facts(id)?))).collect::<Result<Vec<_>, IndexError>>()
    })?;
    observe(store, known, PaneListings::new(store.tmux_patience.clone()))
}

/// The unfinished runs that neither wait in the queue nor are among `seen`: a queued run may wait for one.
pub(super) fn others(store: &Store, seen: &[Run]) -> Result<Observations, IndexError> {
    let (mut others, queued) = store.with_index(|index| Ok((index.active_facts()?, index.queued()?)))?;
    let mut left_out: HashSet<&RunId> = seen.iter().map(Run::id).collect();
    left_out.extend(queued.iter().map(|queued| &queued.id));
    others.retain(|(id, _)| !left_out.contains(id));
    if others.is_empty() {
        return Ok(Observations::default());
    }
    observe(store, others, PaneListings::new(store.tmux_patience.clone()))
}

fn observe(
    store: &Store,
    known: Vec<(RunId, Option<RunFacts>)>,
    listings: PaneListings,
) -> Result<Observations, IndexError> {
    let index = store.index()?;
    let mut seen = Observations { notices: index.notices().to_vec(), listings, ..Observations::default() };
    let rest = fast_path::fast_path(store, &index, known, &mut seen);
    let mut unfinished = Vec::new();
    // Locks first, windows after: a window that is being made is locked until it stands. So
    // what the first listing did not show is asked for again.
    for id in &rest {
        unfinished.extend(probe::records(store, &index, id, &mut seen)?);
    }
    seen.listings.observed = unfinished.iter().map(|observation| observation.spec.run_id.clone()).collect();
    for mut observation in unfinished {
        let since = Stopwatch::start();
        match judge(store, &mut observation, &mut seen.listings, since) {
            Judgement::Is(run) => seen.runs.push(*run),
            judgement @ Judgement::Over { .. } => seen.over.push(OverRun { observation, judgement, since }),
        }
    }
    Ok(seen)
}
