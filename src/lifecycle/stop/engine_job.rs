//! Stops runs on engines: takes back what no node has taken, else asks the node by the run folder and by a signal through
//! the engine, and cancels the job if that does not suffice.
//!
//! An engine that does not answer is a failure, and nothing is changed: only its word and the node's silence together
//! prove an end that no record states.

use std::io;
use std::time::Duration;

use crate::executor::{self, EngineLook, OwnerSignal};
use crate::lifecycle::refresh;
use crate::lifecycle::stop::run_stop::{RunStop, StopPart};
use crate::lifecycle::stop::{StopError, StopKind, stopped_end};
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::engine::EngineExecutor;
use crate::model::run::Run;
use crate::model::run_spec::RunSpec;
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
    check_answers(one, executor)?;
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

fn check_answers(one: &RunStop, executor: &EngineExecutor) -> Result<(), StopError> {
    if !one.folder.was_submitted() {
        return Ok(());
    }
    match executor::engine(executor.engine).look(std::slice::from_ref(one.run.id())) {
        EngineLook::Answer(_) => Ok(()),
        EngineLook::NoAnswer(words) => Err(no_answer(one, executor, words)),
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

/// Waits until each run has ended, and cancels the jobs of those that take too long.
pub(super) fn wait_for_nodes(store: &Store, all: &mut [RunStop]) {
    let begun = Stopwatch::start();
    let mut step = STEP;
    loop {
        let mut waits = false;
        for one in all.iter_mut().filter(|one| one.goes_on() && matches!(one.part, StopPart::EngineJob { .. })) {
            let mut ended = false;
            one.attempt(|one| {
                ended = advance(store, one, begun.elapsed())?;
                Ok(())
            });
            waits |= !ended && one.goes_on();
        }
        if !waits {
            return;
        }
        std::thread::sleep(step);
        step = (step * 2).min(STEP_MAX);
    }
}

/// Does the next step for one run. True once it has ended.
fn advance(store: &Store, one: &mut RunStop, waited: Duration) -> Result<bool, StopError> {
    if one.folder.has_exit() {
        return Ok(true);
    }
    let spec = one.folder.read_spec().map_err(io::Error::other)?;
    let Some(executor) = spec.kind.engine() else { return Ok(true) };
    let cancel_at = spec.stop_grace.as_duration() + CANCEL_AFTER;
    if waited > cancel_at && one.part == (StopPart::EngineJob { is_cancelled: false }) {
        signal(one, executor, OwnerSignal::Hard)?;
        one.part = StopPart::EngineJob { is_cancelled: true };
    }
    let run = refresh::one(store, one.run.id())?.unwrap_or_else(|| one.run.clone());
    if !run.is_active() {
        return Ok(true);
    }
    if waited > cancel_at + CANCEL_PATIENCE + executor.lease() {
        return Err(StopError::Node { pair: run.pair(), node: node_of(&run) });
    }
    Ok(false)
}

fn node_of(run: &Run) -> String {
    run.node().map_or_else(|| "its node".to_owned(), |node| format!("its node `{node}`"))
}
