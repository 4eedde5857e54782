//! Stops runs on engines: takes back what no node has taken, else asks the node by the run folder and by a signal through
//! the engine, and cancels the job if that does not suffice.
//!
//! An engine that does not answer is a failure, and nothing is changed: only its word and the node's silence together
//! prove an end that no record states.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use crate::executor::{self, EngineLook, OwnerSignal};
use crate::lifecycle::refresh;
use crate::lifecycle::stop::run_stop::{RunStop, StopPart};
use crate::lifecycle::stop::{StopError, StopKind, stopped_end};
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::engine::{EngineExecutor, EngineKind};
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::RunState;
use crate::os::clock::Stopwatch;
use crate::store::pair_lock::{self, Claim};

/// Beyond the grace, until the job is cancelled.
const CANCEL_AFTER: Duration = Duration::from_secs(10);

/// From an engine's TERM to its KILL it may take 30 s, and longer until it says so.
const CANCEL_PATIENCE: Duration = Duration::from_secs(40);

const STEP: Duration = Duration::from_millis(20);
const STEP_MAX: Duration = Duration::from_millis(500);

/// Longer than a submission takes.
const LOCK_PATIENCE: Duration = Duration::from_secs(15);

/// Requests the stop of one run. A run that no node has taken is ended by that.
pub(super) fn request(store: &Store, one: &mut RunStop, how: StopKind) -> Result<(), StopError> {
    let spec = one.folder.read_spec().map_err(io::Error::other)?;
    let Some(executor) = spec.kind.engine() else { return Ok(()) };
    // From now on a submission in progress ends the run, too.
    one.folder.request_stop_of_node(how != StopKind::Stop)?;
    if take_back(store, one, how, &spec)? {
        return Ok(());
    }
    if !one.folder.has_exit() {
        signal(one, executor, OwnerSignal::Soft(how))?;
    }
    Ok(())
}

/// Asks each engine once for all runs that it may have. One that does not answer fails the stop of its runs.
pub(super) fn check_answers(all: &mut [RunStop]) {
    let mut submitted: BTreeMap<EngineKind, Vec<(usize, EngineExecutor)>> = BTreeMap::new();
    for (at, one) in all.iter().enumerate() {
        let is_known = !matches!(one.run.state, RunState::Unknown(_));
        let is_submitted = is_known && matches!(one.part, StopPart::EngineJob { .. }) && one.folder.was_submitted();
        let spec = is_submitted.then(|| one.folder.read_spec().ok()).flatten();
        if let Some(executor) = spec.as_ref().and_then(|spec| spec.kind.engine()) {
            submitted.entry(executor.engine).or_default().push((at, executor.clone()));
        }
    }
    for (engine, places) in submitted {
        let runs: Vec<RunId> = places.iter().map(|(at, _)| all[*at].run.id().clone()).collect();
        if let EngineLook::NoAnswer(words) = executor::engine(engine).look(&runs) {
            for (at, executor) in &places {
                all[*at].outcome = Some(Err(no_answer(&all[*at], executor, words.clone())));
            }
        }
    }
}

fn no_answer(one: &RunStop, executor: &EngineExecutor, words: String) -> StopError {
    StopError::Engine { pair: one.run.pair(), executor: executor.name.clone(), words }
}

fn signal(one: &RunStop, executor: &EngineExecutor, signal: OwnerSignal) -> Result<(), StopError> {
    let sent = executor::engine(executor.engine).signal(one.run.id(), signal);
    sent.map_err(|error| no_answer(one, executor, error.to_string()))
}

/// Ends a run that waits in this project's queue or in the engine's. False if a node has taken it.
fn take_back(store: &Store, one: &mut RunStop, how: StopKind, spec: &RunSpec) -> Result<bool, StopError> {
    if !one.folder.environment_waits(spec) {
        return Ok(false);
    }
    let claimed = pair_lock::claim_from_ending(store.state(), &one.run.pair(), LOCK_PATIENCE)?;
    let Some(Claim::Taken(lock, _)) = claimed else {
        return Err(StopError::Held { pair: one.run.pair(), holder: None });
    };
    if !one.folder.withdraw_environment(spec) {
        return Ok(false);
    }
    store.write_end(&one.folder, &stopped_end(&one.run, how, EndReason::BeforeStart))?;
    one.folder.remove_queue()?;
    drop(lock);
    if let Some(executor) = spec.kind.engine().filter(|_| one.folder.was_submitted()) {
        // Nothing can start any more: a job that stays in the engine finds no environment.
        if let Err(error) = executor::engine(executor.engine).signal(one.run.id(), OwnerSignal::Hard) {
            tracing::warn!(%error, run = %one.run.id(), "its job cannot be cancelled");
        }
    }
    Ok(true)
}

/// Waits until each run has ended, and cancels the jobs of those that take too long. All of them are observed together,
/// so that an engine is asked once for all.
pub(super) fn wait_for_nodes(store: &Store, all: &mut [RunStop]) {
    let begun = Stopwatch::start();
    let mut step = STEP;
    loop {
        let is_left = |one: &&mut RunStop| {
            one.goes_on() && matches!(one.part, StopPart::EngineJob { .. }) && !one.folder.has_exit()
        };
        let mut left: Vec<&mut RunStop> = all.iter_mut().filter(is_left).collect();
        let ids: Vec<RunId> = left.iter().map(|one| one.run.id().clone()).collect();
        // If the runs cannot be observed, `conclude` reports the error for each.
        let Some(seen) = Some(ids).filter(|ids| !ids.is_empty()).and_then(|ids| refresh::some(store, &ids).ok()) else {
            return;
        };
        let active: BTreeMap<&RunId, &Run> =
            seen.runs.iter().filter(|run| run.is_active()).map(|run| (run.id(), run)).collect();
        for one in &mut left {
            let run = active.get(one.run.id()).copied();
            one.attempt(|one| run.map_or(Ok(()), |run| advance(one, run, begun.elapsed())));
        }
        if active.is_empty() {
            return;
        }
        std::thread::sleep(step);
        step = (step * 2).min(STEP_MAX);
    }
}

/// Does the next step for a run that is still active.
fn advance(one: &mut RunStop, run: &Run, waited: Duration) -> Result<(), StopError> {
    let spec = one.folder.read_spec().map_err(io::Error::other)?;
    let Some(executor) = spec.kind.engine() else { return Ok(()) };
    let cancel_at = spec.stop_grace.as_duration() + CANCEL_AFTER;
    if waited > cancel_at && one.part == (StopPart::EngineJob { is_cancelled: false }) {
        signal(one, executor, OwnerSignal::Hard)?;
        one.part = StopPart::EngineJob { is_cancelled: true };
    }
    if waited > spec.stop_grace.as_duration() + patience(executor) {
        return Err(StopError::Node { pair: run.pair(), node: node_of(run) });
    }
    Ok(())
}

/// Beyond the grace, until a stop is given up.
pub(super) fn patience(executor: &EngineExecutor) -> Duration {
    CANCEL_AFTER + CANCEL_PATIENCE + executor.lease()
}

fn node_of(run: &Run) -> String {
    run.node().map_or_else(|| "its node".to_owned(), |node| format!("its node `{node}`"))
}
