//! Becoming a supervisor, and writing down the end of its run.

use std::path::Path;
use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use crate::model::exit_record::{EXIT_VERSION, ExitRecord};
use crate::model::run_spec::RunSpec;
use crate::supervisor::attempts::{self, Ended};
use crate::supervisor::machine::Why;
use crate::supervisor::supervision::Supervision;
use crate::system::clock::{self, Stopwatch};
use crate::system::process::supervise::{self, Forked};
use crate::system::store::handover;
use crate::system::store::run_folder::RunFolder;
use crate::system::watch::Watch;

/// Supervises the run in `folder` to its end. Standard input is the pair's lock and standard
/// output the slot; see `system::process::supervise`.
///
/// Returns whether that went well; where it did, this process is not the supervisor.
pub fn main(folder: &Path) -> bool {
    match supervise::detach() {
        Ok(Forked::Parent) => return true,
        Ok(Forked::Child) => {}
        Err(_) => return false,
    }
    let folder = RunFolder::at(folder);
    let Ok(spec) = folder.read_spec() else { return false };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
    let Ok(runtime) = runtime else { return false };
    let watch = runtime.block_on(supervise(&folder, &spec));
    let _ = supervise::release_slot();
    let _ = supervise::release_pair();
    // Only now: the kernel takes its time to end a watch, and nobody should wait for that.
    drop(watch);
    drop(runtime);
    // In a process of its own: a late `stop` must not take it for the run's owner.
    match supervise::split() {
        Ok(Forked::Child) => {
            // The state folder is two above: `runs/<id>`.
            if let Some(state) = folder.path().parent().and_then(Path::parent) {
                let _ = supervise::become_next(state, folder.path());
            }
            false
        }
        _ => true,
    }
}

/// Supervises the run and records its end. What watched the logs is handed back to be dropped.
async fn supervise(folder: &RunFolder, spec: &RunSpec) -> Option<AsyncFd<Watch>> {
    let begun = Stopwatch::start();
    let started_at = clock::now();
    let mut watch = None;
    let record = match handover::take_environment(spec, folder) {
        Ok(environment) => {
            let mut supervision = Supervision::new(folder, spec, environment, started_at);
            let ended = attempts::run(&mut supervision).await;
            watch = supervision.watch.take();
            ended
        }
        Err(error) => Ended::failed(format!("its environment cannot be read: {error}")),
    };
    let exit = ExitRecord {
        version: EXIT_VERSION,
        run_id: spec.run_id.clone(),
        state: record.outcome.state,
        reason: record.outcome.reason,
        exit_code: record.exit.and_then(|exit| exit.code),
        signal: record.exit.and_then(|exit| exit.signal),
        interrupted: record.why == Why::Stopped { interrupted: true },
        started_at: Some(started_at),
        ended_at: clock::now(),
        duration_ms: begun.millis(),
        attempt: record.attempt,
        usage: record.outcome.usage,
        log_bytes: folder.log_bytes(),
        survivors: record.survivors,
        limits: record.limits,
        pid: record.pid,
    };
    // The lock is kept until the end is on disk: a full disk delays it and loses nothing.
    while let Err(error) = folder.write_exit(&exit) {
        tracing::warn!(%error, "the end cannot be written");
        if !folder.path().is_dir() {
            // The record itself was deleted: there is nothing left to write to.
            return watch;
        }
        folder.mark_unsaved();
        sleep(Duration::from_secs(1)).await;
    }
    folder.clear_unsaved();
    watch
}
