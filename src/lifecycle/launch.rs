//! From a request to started runs: select and prepare the pairs and what they need (`batch`), start one after
//! the other (`batch_start`) or many at once (`many`).
//!
//! One start: claim the pair (`start`), reserve an id (`reserve`), write the run's folder (`record`), then open
//! its window, start its supervisor or queue it (here). A kill between two of these leaves a run that the next
//! observation ends as never started.

pub(crate) mod basis;
pub mod batch;
pub mod batch_start;
pub mod exec;
pub(crate) mod freshness;
pub(crate) mod hooks;
pub(crate) mod many;
pub(crate) mod onboarding;
pub mod orphans;
pub mod prepare;
pub(crate) mod prompt;
mod record;
pub mod request;
pub(crate) mod reserve;
pub mod resume;
pub(crate) mod setup;
pub mod start;
pub mod template_context;
mod window;

use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::reserve::{NextStep, Reserved};
use crate::lifecycle::launch::start::{Queueing, StartError, Started};
use crate::lifecycle::notify;
use crate::lifecycle::queue;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::exit::Exit;
use crate::model::exit_record::ExitRecord;
use crate::model::queue_record::QueueRecord;
use crate::model::run::{Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_spec::{RunKind, RunSpec};
use crate::model::run_state::{EndState, RunState, WaitingFor};
use crate::os::clock;
use crate::os::process::supervise;
use crate::os::tmux::{Tmux, WarmClient};
use crate::store::index::{Index, IndexError};
use crate::store::pair_lock::PairLock;
use crate::store::run_folder::RunFolder;
use crate::store::slots::Slot;

/// Starts or queues a run of a pair whose lock is ours and of which nothing runs.
pub(crate) fn claimed(
    store: &Store,
    prepared: &Prepared,
    lock: PairLock,
    parent: Option<RunId>,
    queueing: Queueing<'_>,
    warm: &mut Option<WarmClient>,
) -> Result<Started, StartError> {
    // Until the run is started: `clean` must not remove its worktree.
    let worktree = reserve::share_worktree(store, prepared)?;
    // One command at a time decides which exclusive run gets the folder.
    let folders = reserve::lock_folders(store, prepared.conditions.exclusive)?;
    let index = store.index()?;
    // The client reaches its server while the run's records are written.
    let warm = match &prepared.kind {
        RunKind::Interactive { socket, .. } => warm.take().or_else(|| Tmux::new(socket.clone()).warm_client()),
        RunKind::Headless { .. } => None,
    };
    let Some(reserved) = reserve::reserve(store, &index, prepared, lock, parent, queueing)? else {
        return Ok(Started::NoSlot);
    };
    let reserved = write_records(store, &index, prepared, reserved)?;
    drop(index);
    let run = launch(store, reserved, warm)?;
    drop((folders, worktree));
    if matches!(run.state, RunState::Queued(_)) {
        // Re-check: the dependency may have finished between the readiness check and the enqueue.
        queue::advance_quietly(store);
        return Ok(Started::New(Box::new(refresh::one(store, run.id())?.unwrap_or(run))));
    }
    Ok(Started::New(Box::new(run)))
}

/// Writes the folder of a reserved run; ends it where that fails.
pub(crate) fn write_records(
    store: &Store,
    index: &Index,
    prepared: &Prepared,
    reserved: Reserved,
) -> Result<Reserved, StartError> {
    match record::write_run_folder(prepared, &reserved.folder, &reserved.spec) {
        Ok(()) => Ok(reserved),
        Err(error) => {
            give_up(store, Some(index), &reserved.folder, &reserved.spec, &reserved.facts, &error)?;
            Err(error.into())
        }
    }
}

/// Starts a reserved run, or writes down what it waits for.
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
                // The command that started it may be gone when it is approved.
                notify::raise_gate(store, &run.facts);
            }
            queued
        }
        NextStep::Job(slot) => {
            supervise::start(folder.path(), lock.into_file(), slot.map(Slot::into_file)).map_err(StartError::from)
        }
        NextStep::Window => window::open_window(store, &folder, &spec, warm).map(|created| {
            // Under the lock: a command that finds the pair free must find no run that waits for it.
            let _ = folder.remove_queue();
            drop(lock);
            run.progress.pane = Some(created.pane_id);
            run.progress.window = Some(created.window_id);
        }),
    };
    match launched {
        Ok(()) => Ok(run),
        Err(error) => {
            give_up(store, None, &folder, &spec, &run.facts, &error)?;
            Err(error)
        }
    }
}

/// Ends a run that could not be started. The environment file is claimed once, by unlink: if it could be
/// taken here, the agent cannot start any more. Else a window may have come up late, which observing shows.
pub(crate) fn give_up(
    store: &Store,
    index: Option<&Index>,
    folder: &RunFolder,
    spec: &RunSpec,
    facts: &RunFacts,
    why: &dyn std::fmt::Display,
) -> Result<(), IndexError> {
    if folder.withdraw_environment(spec) {
        let reason = EndReason::NeverStarted(Some(why.to_string()));
        let never = ExitRecord::never_started(spec.run_id.clone(), EndState::Failed, reason, clock::now());
        let end = ExitRecord { exit: Exit::code(125), ..never };
        let _ = store.write_end(folder, &end);
        // Opened a second time, it would wait for ourselves.
        let _ = match index {
            Some(index) => index.finish(facts, &end),
            None => store.index()?.finish(facts, &end),
        };
    }
    Ok(())
}
