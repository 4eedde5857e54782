//! A job whose supervisor does not end it: it was stopped, or it hangs. What it would do is done for it
//! within a bound, or it is said which process is in the way.

use std::time::Duration;

use crate::lifecycle::stop;
use crate::lifecycle::stop::{How, StopError};
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::exit_record::ExitRecord;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::os::process::ending::{self, TreeToEnd};
use crate::os::process::holder::{self, Holder};
use crate::os::process::orphan;
use crate::os::process::tree::Root;
use crate::os::process::{self, Signal};
use crate::store::pair_lock::{self, Claim, Liveness};
use crate::store::run_folder::RunFolder;

/// A supervisor ends its tree within the grace and this long: five seconds of KILL, and time to write.
pub(crate) const SUPERVISOR_PATIENCE: Duration = Duration::from_secs(10);

/// A process that was continued and is still stopped after this long stays so.
const CONTINUED: Duration = Duration::from_millis(100);

/// So long may a killed supervisor take to let its pair go.
const DYING: Duration = Duration::from_secs(5);

/// Ends a job in place of its supervisor, where that one is stopped although it was continued, or
/// where it was asked longer ago than it may take. Its tree goes first, the supervisor last, and the
/// end is written. Does nothing where the supervisor may still do it. Fails where no supervisor of the
/// run has the pair, or where it does not die.
pub(crate) fn end_for_supervisor(
    store: &Store,
    run: &Run,
    folder: &RunFolder,
    how: How,
    asked: Duration,
) -> Result<(), StopError> {
    let pair = run.pair();
    let is_ours = match pair_lock::probe(store.state(), &pair)? {
        Liveness::Free => false,
        Liveness::Held(holder) => holder.is_none_or(|holder| holder == *run.id()),
    };
    if folder.has_end() || !is_ours {
        return Ok(());
    }
    let spec = folder.read_spec().ok().filter(|_| how != How::Kill);
    let grace = spec.map(|spec| spec.stop_grace.as_duration()).unwrap_or_default();
    let live = folder.read_live().ok().flatten().map(|live| live.owner);
    let found = || orphan::supervisor_of(run.id()).and_then(|pid| process::identify(pid).ok());
    let Some(supervisor) = live.filter(process::is_alive).or_else(found) else {
        // Its starter has the pair, or a command that ends what is left of it.
        return check_holder(store, &pair, asked);
    };
    let is_late = asked > grace + SUPERVISOR_PATIENCE;
    if !is_late {
        if !process::is_stopped(supervisor.pid) {
            return Ok(());
        }
        process::signal(&supervisor, Signal::CONT)?;
        std::thread::sleep(CONTINUED);
        if !process::is_stopped(supervisor.pid) {
            return Ok(());
        }
    }
    if folder.is_unsaved() {
        return Err(StopError::Unsaved { pair, supervisor: Holder::of(supervisor.pid) });
    }
    let root = Some(Root::Supervisor { pid: supervisor.pid, start_time: supervisor.start_time });
    let grace = if is_late { Duration::ZERO } else { grace };
    let tree = |root, grace| TreeToEnd { run: run.id(), root, grace, asked_group: None };
    ending::end_trees(&[tree(root, grace)])?;
    if folder.has_end() {
        return Ok(());
    }
    process::signal(&supervisor, Signal::KILL)?;
    let claimed = pair_lock::claim_from_ending(store.state(), &pair, DYING)?;
    let Some(Claim::Taken(lock, _)) = claimed else {
        return Err(StopError::Undying { pair, supervisor: Holder::of(supervisor.pid) });
    };
    lock.unname()?;
    let survivors = ending::end_trees(&[tree(None, Duration::ZERO)])?.concat();
    let end = ExitRecord {
        reason: Some(EndReason::SupervisorUnresponsive),
        started_at: run.progress.started_at,
        attempt: run.progress.attempt,
        log_bytes: folder.log_bytes(),
        pid: run.progress.pid,
        survivors,
        ..stop::never_ran(run, how)
    };
    store.write_end(folder, &end)?;
    lock.name(run.id())?;
    Ok(())
}

/// Fails where the pair's lock is held by a process that was stopped, or for longer than any command
/// holds it.
pub(crate) fn check_holder(store: &Store, pair: &Pair, held: Duration) -> Result<(), StopError> {
    let holder = holder::holder_of(&store.state().pair(pair)).ok().flatten();
    let is_stopped = holder.as_ref().is_some_and(|holder| holder.is_stopped);
    if is_stopped || held > SUPERVISOR_PATIENCE {
        return Err(StopError::Held { pair: pair.clone(), holder });
    }
    Ok(())
}
