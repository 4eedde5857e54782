//! Turns a process into the supervisor of one run, and records the run's end. Input: the run folder, the pair lock and
//! a slot. Output: `exit.json`, exactly once. Must not release the pair lock before that is written.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use crate::model::end_reason::{EndReason, Startable};
use crate::model::exit_record::{EXIT_VERSION, ExitRecord};
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::model::run_state::EndState;
use crate::os::clock::{self, Stopwatch};
use crate::os::environment::Environment;
use crate::os::process::supervise::{self, Forked};
use crate::os::watch::ChangeWatch;
use crate::store::handover;
use crate::store::pair_lock::{self, NotOwner};
use crate::store::record_file::RecordError;
use crate::store::run_folder::RunFolder;
use crate::store::state_dir::{StateDir, StateDirError};
use crate::supervisor::attempts::{self, Ended};
use crate::supervisor::heartbeat::NodeNotice;
use crate::supervisor::machine::EndCause;
use crate::supervisor::node::JobNode;
use crate::supervisor::supervision::Supervision;

/// Why this process does not supervise a run.
#[derive(Debug, thiserror::Error)]
pub enum NotSupervised {
    #[error("run {0} has ended already; nothing was started")]
    Ended(RunId),
    #[error("run {0} was started already; nothing was started")]
    Started(RunId),
    #[error("this process does not own run {run}: {why}; nothing was started")]
    NotOwner { run: RunId, why: NotOwner },
    #[error("the run folder is a copy; nothing was started")]
    Copy,
    #[error("run {0} is not for an engine; nothing was started")]
    NoEngine(RunId),
    #[error("the record of the run: {0}")]
    Record(#[from] RecordError),
    #[error("the state folder: {0}")]
    State(#[from] StateDirError),
    #[error("a supervisor cannot be started: {0}")]
    Io(#[from] io::Error),
}

/// Supervises the run in `folder` to its end. Standard input is the pair lock, standard output the slot; see
/// `os::process::supervise`. Returns in the calling process once the supervisor is forked, and in the supervisor at its
/// end.
///
/// Fails, with nothing written, where this process does not own the run: the pair lock was not handed to it, or the run
/// was started before.
pub fn main(folder: &Path) -> Result<(), NotSupervised> {
    let folder = RunFolder::at(folder);
    let spec = folder.read_spec()?;
    check_owner(&folder, &spec)?;
    if supervise::detach()? == Forked::Parent {
        return Ok(());
    }
    let start = folder.path().to_owned();
    // The working directory stays valid when the folder is moved.
    let folder = folder.enter()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let environment = handover::take_environment(&spec, &folder)
        .map_err(|error| Box::new(Ended::cannot_start(Startable::Environment, &error)));
    let watch = runtime.block_on(supervise(&folder, &start, &spec, Taken { environment, node: None }));
    let _ = supervise::release_slot();
    let _ = supervise::release_pair();
    // After the locks are released: the kernel takes milliseconds to close a watch.
    drop(watch);
    drop(runtime);
    // In another process: a late `stop` signals the supervisor's pid, which must not be that of `__next`.
    if supervise::split()? == Forked::Child
        && let (Ok(ended), Some(state)) = (folder.absolute(), folder.state_dir())
    {
        return Err(supervise::become_next(&state, &ended).into());
    }
    Ok(())
}

fn check_owner(folder: &RunFolder, spec: &RunSpec) -> Result<(), NotSupervised> {
    let run = spec.run_id.clone();
    if folder.id()? != spec.folder {
        return Err(NotSupervised::Copy);
    }
    let state = folder.state_dir().unwrap_or_default();
    let Some(state) = StateDir::find(&state)? else { return Err(NotSupervised::Copy) };
    if let Err(why) = pair_lock::check_inherited(&state, &spec.pair(), &run) {
        return Err(NotSupervised::NotOwner { run, why });
    }
    if folder.has_exit() {
        return Err(NotSupervised::Ended(run));
    }
    if !matches!(folder.read_live(), Ok(None)) {
        return Err(NotSupervised::Started(run));
    }
    Ok(())
}

/// A run that this process has taken.
pub(super) struct Taken<'a> {
    /// Of the run; or its end, if it cannot be started.
    pub(super) environment: Result<Environment, Box<Ended>>,
    /// Set on a node of an engine.
    pub(super) node: Option<&'a JobNode>,
}

/// Supervises the run, whose folder was at `start`, and records its end. Returns the watch on the logs, for the caller
/// to drop.
pub(super) async fn supervise(
    folder: &RunFolder,
    start: &Path,
    spec: &RunSpec,
    taken: Taken<'_>,
) -> Option<AsyncFd<ChangeWatch>> {
    let begun = Stopwatch::start();
    let started_at = clock::now();
    let mut watch = None;
    let node = taken.node;
    let mut record = match taken.environment {
        Ok(environment) => {
            let mut supervision = Supervision::new(folder, spec, environment, started_at, node);
            let ended = attempts::run(&mut supervision).await;
            watch = supervision.logs.take();
            ended
        }
        Err(ended) => *ended,
    };
    if let Some(node) = node {
        record = node.explain(folder, record);
        node.heartbeat().close();
    }
    let exit = ExitRecord {
        reason: with_move(&record, folder, start),
        version: EXIT_VERSION,
        run_id: spec.run_id.clone(),
        state: record.outcome.state,
        exit: record.exit.unwrap_or_default(),
        interrupted: record.why == EndCause::Stopped { interrupted: true },
        started_at: Some(started_at),
        ended_at: clock::now(),
        duration_ms: begun.millis(),
        attempt: record.attempt,
        usage: record.outcome.usage,
        log_bytes: folder.log_bytes(),
        survivors: record.survivors,
        limits: record.limits,
        pid: record.pid,
        node: node.and_then(JobNode::name),
        answer: record.outcome.answer,
    };
    // Keep the pair lock until the end is on disk: with a full disk the run ends late instead of being lost.
    while let Err(error) = folder.write_exit(&exit) {
        tracing::warn!(%error, "the end cannot be written");
        // A node that cannot write is called lost by others.
        let is_fenced = node.is_some_and(|node| node.heartbeat().notice() == NodeNotice::Fenced);
        if folder.is_removed() || is_fenced {
            // The run folder was deleted: the end cannot be recorded.
            return watch;
        }
        folder.mark_unsaved();
        sleep(Duration::from_secs(1)).await;
    }
    folder.clear_unsaved();
    watch
}

/// The reason of the end. After a failure it includes a move of the run folder: files may be missing at the old path.
fn with_move(ended: &Ended, folder: &RunFolder, start: &Path) -> Option<EndReason> {
    let reason = ended.outcome.reason.clone();
    let moved = folder.absolute().ok().filter(|now| now != start);
    match (reason, moved) {
        (Some(reason), Some(now)) if ended.outcome.state == EndState::Failed => {
            Some(reason.and(EndReason::FolderMoved(now)))
        }
        (reason, _) => reason,
    }
}
