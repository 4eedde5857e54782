//! Determines the state of unfinished runs from the index, records, locks, processes and tmux.
//!
//! Lists each tmux server of these runs once, and again only while a state is not settled. Changes nothing, but may
//! rebuild the index, a cache. It returns what must be recorded; `reap` records it.

pub(crate) mod activity;
mod engine_reports;
mod fast_path;
mod observation;
mod panes;
mod probe;
pub(crate) mod run_answer;
mod settle;
pub(crate) mod tmux_patience;
pub(crate) mod window_reading;

use std::collections::HashSet;

use crate::lifecycle::store::Store;
use crate::model::run::{Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::os::clock::Stopwatch;
use crate::store::index::{Index, IndexError};
use crate::store::record_file::RecordError;
use crate::store::run_folder::RunFolder;

pub(crate) use observation::Observation;
pub(crate) use panes::{EarlyListing, PaneListings};
pub(crate) use probe::probe;
pub(crate) use settle::{SettledRun, probe_again, settle};

/// The result of an observation. The lists below `notices` are for `reap`.
#[derive(Default)]
pub(crate) struct Observations {
    /// Runs whose state is settled, and runs whose end is on record.
    pub(crate) runs: Vec<Run>,
    /// Messages for the user about damaged records.
    pub(crate) notices: Vec<String>,
    /// Ended runs without a recorded end.
    pub(crate) over: Vec<OverRun>,
    /// Rows of runs without a spec: the starting command died before it wrote that.
    pub(crate) leftovers: Vec<RunId>,
    /// Dead runs whose spec is damaged.
    pub(crate) damaged_specs: Vec<RunId>,
    /// Runs whose recorded end is damaged, and the damage.
    pub(crate) damaged_ends: Vec<(RunFolder, RecordError)>,
    /// Runs of engines that have their job although they never answered that.
    pub(crate) accepted: Vec<RunSpec>,
    /// No window is unfinished, and the state folder's hint names a tmux server.
    pub(crate) hint_is_stale: bool,
    pub(crate) listings: PaneListings,
}

pub(crate) struct OverRun {
    pub(crate) observation: Observation,
    pub(crate) observed: SettledRun,
    /// Since it was observed first.
    pub(crate) since: Stopwatch,
}

/// All unfinished runs. `early`: a listing that was started before; one of another server is not used.
pub(crate) fn all(store: &Store, early: Option<EarlyListing>) -> Result<Observations, IndexError> {
    let early = early.or_else(|| EarlyListing::begin(store.state()));
    let has_hint = early.is_some();
    let listings = PaneListings::new(early, store.tmux_patience.clone());
    let known = store.with_index(Index::active_facts)?;
    let has_windows = known.iter().any(|(_, facts)| facts.as_ref().is_none_or(|facts| facts.form.has_window()));
    let seen = observe(store, known, listings)?;
    Ok(Observations { hint_is_stale: has_hint && !has_windows, ..seen })
}

/// The runs with these ids that have a row or a folder.
pub(crate) fn some(store: &Store, ids: &[RunId]) -> Result<Observations, IndexError> {
    let known = store.with_index(|index| {
        ids.iter().map(|id| Ok((id.clone(), index.facts(id)?))).collect::<Result<Vec<_>, IndexError>>()
    })?;
    observe(store, known, PaneListings::new(None, store.tmux_patience.clone()))
}

/// The unfinished runs that are neither queued nor in `seen`: a queued run may wait for one.
pub(crate) fn others(store: &Store, seen: &[Run]) -> Result<Observations, IndexError> {
    let (mut others, queued) = store.with_index(|index| Ok((index.active_facts()?, index.queued()?)))?;
    let mut left_out: HashSet<&RunId> = seen.iter().map(Run::id).collect();
    left_out.extend(queued.iter().map(|queued| &queued.id));
    others.retain(|(id, _)| !left_out.contains(id));
    if others.is_empty() {
        return Ok(Observations::default());
    }
    observe(store, others, PaneListings::new(None, store.tmux_patience.clone()))
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
    // Locks before windows: the pair lock is held until a new window exists. A pane that an earlier listing did not
    // contain is therefore listed again.
    for id in &rest {
        unfinished.extend(probe::records(store, &index, id, &mut seen)?);
    }
    seen.listings.engines = engine_reports::EngineReports::of(&unfinished);
    seen.listings.observed = unfinished.iter().map(|observation| observation.spec.run_id.clone()).collect();
    for mut observation in unfinished {
        let since = Stopwatch::start();
        match settle(store, &mut observation, &mut seen.listings, since) {
            SettledRun::Is(run) => {
                seen.accepted.extend(observation.was_just_accepted().then(|| observation.spec.clone()));
                seen.runs.push(*run);
            }
            observed @ (SettledRun::Over { .. } | SettledRun::SubmitAgain) => {
                seen.over.push(OverRun { observation, observed, since });
            }
        }
    }
    Ok(seen)
}
