//! From a request to started runs: `batch` selects and prepares the pairs and their needs; `batch_start` starts them
//! one by one, `many` at once.
//!
//! Steps of a start: lock the pair (`start`), reserve an id (`reserve`), write the run folder (`record`), then open
//! the window, start the supervisor or queue the run (here). If the command is killed between two steps, the next
//! observation ends the run as never started; before the spec is written it removes the run's row instead.

pub mod batch;
pub mod batch_start;
pub mod exec;
pub(crate) mod freshness;
pub(crate) mod hooks;
pub(crate) mod many;
pub(crate) mod onboarding;
pub(crate) mod overrides;
pub mod prepare;
pub mod prepare_error;
pub(crate) mod prompt;
mod record;
pub mod request;
pub(crate) mod reserve;
pub mod resume;
pub(crate) mod setup;
pub(crate) mod spec_fingerprint;
pub mod start;
pub(crate) mod submit;
pub mod template_context;
pub mod unrecorded;
mod window;

use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::reserve::{NextStep, Reserved};
use crate::lifecycle::launch::start::{Queueing, StartError, Started};
use crate::lifecycle::notify;
use crate::lifecycle::queue;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::queue_record::QueueRecord;
use crate::model::run::{Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::{RunState, WaitingFor};
use crate::os::clock;
use crate::os::tmux::{Tmux, WarmClient};
use crate::store::index::{Index, IndexError};
use crate::store::pair_lock::PairLock;
use crate::store::run_folder::RunFolder;

/// Starts or queues a run. The caller holds the pair lock and has checked that no run of the pair is active.
pub(crate) fn claimed(
    store: &Store,
    prepared: &Prepared,
    lock: PairLock,
    parent: Option<RunId>,
    queueing: Queueing<'_>,
    warm: &mut Option<WarmClient>,
) -> Result<Started, StartError> {
    // Held until the run is started, so that `clean` does not remove its worktree.
    let worktree = reserve::share_worktree(store, prepared)?;
    // One command at a time decides which exclusive run gets the folder.
    let folders = reserve::lock_folders(store, prepared.conditions.exclusive)?;
    let index = store.index()?;
    // The tmux client connects while the records are written.
    let window = prepared.kind.window();
    let warm = window.and_then(|window| warm.take().or_else(|| Tmux::new(window.socket.clone()).warm_client()));
    let Some(reserved) = reserve::reserve(store, &index, prepared, lock, parent, queueing)? else {
        return Ok(Started::NoSlot);
    };
    let reserved = write_records(store, &index, prepared, reserved)?;
    drop(index);
    // Its row counts from now on. Other starts need not wait until git has made the worktree of a run of an engine.
    let folders = folders.filter(|_| !matches!(reserved.next, NextStep::Job(_)));
    let run = launch(store, reserved, warm)?;
    drop((folders, worktree));
    if matches!(run.state, RunState::Queued(_)) {
        // Re-check: the dependency may have finished between the readiness check and the enqueue.
        queue::advance_quietly(store);
        return Ok(Started::New(Box::new(refresh::one(store, run.id())?.unwrap_or(run))));
    }
    Ok(Started::New(Box::new(run)))
}

/// Writes the folder of a reserved run. If that fails, ends the run.
pub(crate) fn write_records(
    store: &Store,
    index: &Index,
    prepared: &Prepared,
    reserved: Reserved,
) -> Result<Reserved, StartError> {
    match record::write_run_folder(prepared, &reserved.folder, &reserved.spec) {
        Ok(()) => Ok(reserved),
        Err(error) => {
            let error = StartError::from(error);
            give_up(store, Some(index), &reserved.folder, &reserved.spec, &reserved.facts, &error)?;
            Err(error)
        }
    }
}

/// Starts a reserved run, or records what it waits for. If that fails, ends the run.
pub(crate) fn launch(store: &Store, reserved: Reserved, warm: Option<WarmClient>) -> Result<Run, StartError> {
    let Reserved { folder, spec, facts, lock, next } = reserved;
    let mut run = Run::active(facts, RunState::Starting);
    let launched = match next {
        NextStep::Queue(waiting_for, about) => {
            run.state = RunState::Queued(waiting_for);
            run.progress.waits.clone_from(&about);
            let record = QueueRecord::new(waiting_for, about, clock::now());
            let queued = folder.write_queue(&record).map(|()| drop(lock)).map_err(StartError::from);
            if queued.is_ok() && waiting_for == WaitingFor::Gate {
                // Notify now: this command may have exited when the run is approved.
                notify::raise_gate(store, &run.facts);
            }
            queued
        }
        NextStep::Job(slot) => submit::submit(&folder, &spec, lock, slot),
        NextStep::Window => window::open_window(store, &folder, &spec, warm).map(|created| {
            // Before the lock is released: a command that takes it must not find the started run queued.
            let _ = folder.remove_queue();
            drop(lock);
            run.progress.pane = Some(created.pane_id);
            run.progress.window = Some(created.window_id);
        }),
    };
    match launched {
        Ok(()) => Ok(run),
        Err(error) => {
            let is_given_up = give_up(store, None, &folder, &spec, &run.facts, &error)?;
            // A node has taken it meanwhile: the engine had it, although it did not answer.
            if is_given_up || spec.kind.engine().is_none() { Err(error) } else { Ok(run) }
        }
    }
}

/// Ends a run that could not be started, if this command can remove its environment file: then no agent can start.
/// Otherwise a late window or a node may have taken the file; the next observation finds it. Returns whether it was ended.
pub(crate) fn give_up(
    store: &Store,
    index: Option<&Index>,
    folder: &RunFolder,
    spec: &RunSpec,
    facts: &RunFacts,
    why: &StartError,
) -> Result<bool, IndexError> {
    submit::note_late_job(store, spec, why);
    let is_ours = folder.withdraw_environment(spec);
    if is_ours {
        let end = submit::end_of(spec, why);
        let _ = store.write_end(folder, &end);
        // A second connection would wait for the caller's own.
        let _ = match index {
            Some(index) => index.finish(facts, &end),
            None => store.index()?.finish(facts, &end),
        };
    }
    Ok(is_ours)
}
