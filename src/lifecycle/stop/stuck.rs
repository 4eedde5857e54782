//! Stops a job whose supervisor is stopped (SIGSTOP) or hangs: the stopping command does the supervisor's work within
//! a bound, or fails and names the process that blocks it.

use std::time::Duration;

use crate::executor::{self, OwnerSignal, RunTree};
use crate::lifecycle::stop;
use crate::lifecycle::stop::{StopError, StopKind};
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::exit_record::ExitRecord;
use crate::model::names::Pair;
use crate::model::owner::ExecutorName;
use crate::model::run::Run;
use crate::os::process::holder::{self, Holder};
use crate::store::pair_lock::{self, Claim, Liveness};
use crate::store::run_folder::RunFolder;

/// Time beyond the grace in which a supervisor ends its tree: 5 s for KILL, and time to write.
pub(crate) const SUPERVISOR_PATIENCE: Duration = Duration::from_secs(10);

/// How long a killed supervisor may take to release the pair lock.
const DYING: Duration = Duration::from_secs(5);

/// Ends a job in place of a supervisor that stays stopped after CONT, or has exceeded its time (`waited`: since the
/// request). Ends the tree, then the supervisor, then writes the end. Does nothing while the supervisor may still do
/// it. Fails if another process blocks the pair or the supervisor does not die or cannot write the end.
pub(crate) fn end_for_supervisor(
    store: &Store,
    run: &Run,
    folder: &RunFolder,
    how: StopKind,
    waited: Duration,
) -> Result<(), StopError> {
    let pair = run.pair();
    let is_ours = match pair_lock::probe(store.state(), &pair)? {
        Liveness::Free => false,
        Liveness::Held(holder) => holder.is_none_or(|holder| holder == *run.id()),
    };
    if folder.has_end() || !is_ours {
        return Ok(());
    }
    let executor = executor::of(ExecutorName::Local);
    let spec = folder.read_spec().ok().filter(|_| how != StopKind::Kill);
    let grace = spec.map(|spec| spec.stop_grace.as_duration()).unwrap_or_default();
    let live = folder.read_live().ok().flatten().map(|live| live.owner);
    let Some(supervisor) = live.filter(executor::is_alive).or_else(|| executor.find_owner(run.id())) else {
        // The starting command holds the pair lock, or a command that reaps the run.
        return check_holder(store, &pair, waited);
    };
    let is_late = waited > grace + SUPERVISOR_PATIENCE;
    if !is_late && executor.wake(&supervisor)? {
        return Ok(());
    }
    let Some(process) = supervisor.process() else { return Ok(()) };
    let holder = || Holder::of(process.pid);
    if folder.is_unsaved() {
        return Err(StopError::Unsaved { pair, supervisor: holder() });
    }
    let grace = if is_late { Duration::ZERO } else { grace };
    let tree = |owner, grace| RunTree { run: run.id(), form: run.facts.form, owner, grace, signalled_group: None };
    executor.end_trees(&[tree(Some(&supervisor), grace)])?;
    if folder.has_end() {
        return Ok(());
    }
    executor.signal(&supervisor, OwnerSignal::Hard)?;
    let claimed = pair_lock::claim_from_ending(store.state(), &pair, DYING)?;
    let Some(Claim::Taken(lock, _)) = claimed else {
        return Err(StopError::Undying { pair, supervisor: holder() });
    };
    lock.unname()?;
    let survivors = executor.end_trees(&[tree(None, Duration::ZERO)])?.concat();
    let end = ExitRecord {
        started_at: run.progress.started_at,
        attempt: run.progress.attempt,
        log_bytes: folder.log_bytes(),
        pid: run.progress.pid,
        survivors,
        ..stop::stopped_end(run, how, EndReason::SupervisorUnresponsive)
    };
    store.write_end(folder, &end)?;
    lock.name(run.id())?;
    Ok(())
}

/// Fails if the holder of the pair lock is stopped, or has held it for longer than any command does.
pub(crate) fn check_holder(store: &Store, pair: &Pair, held: Duration) -> Result<(), StopError> {
    let holder = holder::holder_of(&store.state().pair(pair)).ok().flatten();
    let is_stopped = holder.as_ref().is_some_and(|holder| holder.is_stopped);
    if is_stopped || held > SUPERVISOR_PATIENCE {
        return Err(StopError::Held { pair: pair.clone(), holder });
    }
    Ok(())
}
