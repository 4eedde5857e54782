//! Observes runs, records their ends and advances the queue: for all commands that show, await or stop runs.
//!
//! A returned end is on record. The queue is advanced because a killed supervisor did not do it. The runs that a
//! queued run waits for are observed too: they may be dead without a recorded end.

use crate::lifecycle::observe::{self, EarlyListing, Observations};
use crate::lifecycle::store::{Observed, Store};
use crate::lifecycle::{notify, queue, reap};
use crate::model::names::{Pair, TaskId};
use crate::model::run::{Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_state::{EndState, RunState, WaitingFor};
use crate::store::index::IndexError;

/// All unfinished runs, and those whose end was recorded by this call.
pub fn all(store: &Store) -> Result<Observed, IndexError> {
    all_with(store, None)
}

/// As [`all`], with a listing of windows that was started before.
pub(crate) fn all_with(store: &Store, early: Option<EarlyListing>) -> Result<Observed, IndexError> {
    let seen = observe::all(store, early)?;
    if seen.hint_is_stale {
        store.state().hint_windows(None);
    }
    let observed = write_down_and_advance(store, seen)?;
    queue::late_jobs::cancel(store);
    notify::raise_waits(store, &observed.runs);
    Ok(observed)
}

/// The unfinished runs of one pair.
pub fn of_pair(store: &Store, pair: &Pair) -> Result<Observed, IndexError> {
    let ids = store.with_index(|index| index.active_of(pair))?;
    some(store, &ids)
}

/// The runs with these ids.
pub(crate) fn some(store: &Store, ids: &[RunId]) -> Result<Observed, IndexError> {
    write_down_and_advance(store, observe::some(store, ids)?)
}

/// The last run of a pair: the active one, else the last started.
pub fn last_run(store: &Store, pair: &Pair) -> Result<Option<Run>, IndexError> {
    let Some(id) = store.with_index(|index| index.of_pair(pair))?.into_iter().next() else { return Ok(None) };
    one(store, &id)
}

/// The last run of each pair of a task, in the order of their starts.
pub fn last_of_task(store: &Store, task: &TaskId) -> Result<Vec<Run>, IndexError> {
    let ids = store.with_index(|index| index.newest_of_task(task))?;
    ids.iter().filter_map(|id| one(store, id).transpose()).collect()
}

/// One run by its id.
pub fn one(store: &Store, id: &RunId) -> Result<Option<Run>, IndexError> {
    let folder = store.folder(id);
    if let (Ok(spec), Ok(Some(end))) = (folder.read_spec(), folder.read_exit()) {
        return Ok(Some(Run::ended(RunFacts::of(&spec), end)));
    }
    Ok(some(store, std::slice::from_ref(id))?.runs.into_iter().next())
}

fn write_down_and_advance(store: &Store, seen: Observations) -> Result<Observed, IndexError> {
    let observed = reap::write_down(store, seen)?;
    let waits_for_others = |run: &Run| matches!(run.state, RunState::Queued(WaitingFor::Need | WaitingFor::Folder));
    if observed.runs.iter().any(waits_for_others) {
        reap::write_down(store, observe::others(store, &observed.runs)?)?;
    }
    let may_move = |run: &Run| match run.state {
        RunState::Queued(waiting_for) => {
            let is_elsewhere = matches!(waiting_for, WaitingFor::Engine | WaitingFor::Retry);
            !is_elsewhere && !matches!(waiting_for, WaitingFor::Gate | WaitingFor::Environment)
        }
        // A killed supervisor did not advance the queue, and a node never does.
        _ => run.end_state() == Some(EndState::Lost) || (run.end.is_some() && run.facts.executor.is_some()),
    };
    if observed.runs.iter().any(may_move) {
        queue::advance_quietly(store);
    }
    Ok(observed)
}
