//! Stops the windows among the runs: takes back one that is queued, waits for the end of the others, closes them.

use std::time::Duration;

use crate::lifecycle::refresh;
use crate::lifecycle::stop::run_stop::{RunStop, StopPart, guards, windows_of};
use crate::lifecycle::stop::{STEP, STEP_MAX, STOPPED_CHECK_INTERVAL, StopError, StopKind, stopped_end, stuck};
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::RunState;
use crate::os::clock::Stopwatch;
use crate::os::tmux::Tmux;
use crate::store::pair_lock::{self, Claim};
use crate::store::run_folder::RunFolder;

/// How long tmux may read a terminal's output after all its processes have exited.
const OUTPUT_DRAIN_TIME: Duration = Duration::from_secs(2);

/// Waits until a window that is being opened has a pane.
pub(super) fn with_pane(store: &Store, run: &Run) -> Result<Run, StopError> {
    let mut run = run.clone();
    for _ in 0..1000 {
        if run.progress.pane.is_some() || !run.is_active() {
            break;
        }
        std::thread::sleep(STEP);
        run = refresh::one(store, run.id())?.unwrap_or(run);
    }
    Ok(run)
}

/// Removes a window's run from the queue. False if it is not queued: its window exists or is being opened.
pub(super) fn stop_waiting_window(
    store: &Store,
    run: &Run,
    folder: &RunFolder,
    how: StopKind,
) -> Result<bool, StopError> {
    if !matches!(run.state, RunState::Queued(_)) {
        return Ok(false);
    }
    let begun = Stopwatch::start();
    let mut next_check = STOPPED_CHECK_INTERVAL;
    loop {
        if begun.elapsed() > next_check {
            next_check += STOPPED_CHECK_INTERVAL;
            stuck::check_holder(store, &run.pair(), begun.elapsed())?;
        }
        if folder.has_end() {
            return Ok(true);
        }
        if !folder.is_queued() {
            return Ok(false);
        }
        if let Claim::Taken(lock, _) = pair_lock::claim(store.state(), &run.pair())? {
            let waits = folder.is_queued() && matches!(folder.read_live(), Ok(None)) && !folder.has_end();
            if waits {
                folder.remove_queue()?;
                store.write_end(folder, &stopped_end(run, how, EndReason::BeforeStart))?;
            }
            drop(lock);
            return Ok(waits);
        }
        std::thread::sleep(STEP);
    }
}

/// Waits until each pane is dead, which observing records as the run's end. tmux reports a pane as dead only after it
/// has read all output.
pub(super) fn await_dead_panes(store: &Store, all: &mut [RunStop]) {
    let is_window = |one: &&mut RunStop| one.goes_on() && one.part == StopPart::Window;
    let mut left: Vec<RunId> = all.iter_mut().filter(is_window).map(|one| one.run.id().clone()).collect();
    let begun = Stopwatch::start();
    let mut step = STEP;
    while !left.is_empty() {
        let seen = match refresh::some(store, &left) {
            Ok(seen) => seen.runs,
            // `conclude` reports the error for each run.
            Err(_) => break,
        };
        left = seen.iter().filter(|run| run.is_active()).map(|run| run.id().clone()).collect();
        if begun.elapsed() > OUTPUT_DRAIN_TIME {
            break;
        }
        if !left.is_empty() {
            std::thread::sleep(step);
            step = (step * 2).min(STEP_MAX);
        }
    }
}

pub(super) fn close_windows(all: &mut [RunStop]) {
    for (socket, places) in windows_of(all) {
        if let Err(error) = Tmux::new(socket).kill_panes(&guards(all, &places)) {
            for at in places {
                all[at].outcome = Some(Err(error.clone().into()));
            }
        }
    }
}
