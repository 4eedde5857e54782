//! The pause between two attempts. The job releases its slot first, and takes one before the next attempt. A requested
//! stop, a signal or the removal of the run folder ends the pause.

use std::time::Duration;

use tokio::time::sleep;

use crate::model::end_reason::EndReason;
use crate::model::live_record::RetryWait;
use crate::os::clock;
use crate::os::process::supervise;
use crate::store::run_folder::RunFolder;
use crate::store::slots;
use crate::store::state_dir::StateDir;
use crate::supervisor::heartbeat::NodeNotice;
use crate::supervisor::supervision::Supervision;
use crate::supervisor::wakeups::{Signals, after};

/// Timers stop while the machine is suspended, so the time of day is compared this often.
const CLOCK_STEP: Duration = Duration::from_secs(30);
/// Interval between attempts to take a slot, doubled each time.
const SLOT_STEP: Duration = Duration::from_millis(10);
const SLOT_STEP_MAX: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rested {
    /// The next attempt can start.
    Ready,
    Stopped {
        interrupted: bool,
    },
    /// The run folder was removed: another attempt would have no record.
    Removed,
}

/// Sleeps for `wait` without a slot, then takes the first free one.
pub(super) async fn rest(
    supervision: &mut Supervision<'_>,
    wait: Duration,
    reason: Option<EndReason>,
    signals: &mut Signals,
) -> Rested {
    let until = moment_after(clock::now(), wait).unwrap_or_else(clock::now);
    let end = after(wait);
    supervision.record_retry_wait(RetryWait { until, reason });
    // A node has no slot and leaves the queue alone.
    if supervision.node.is_none() {
        let _ = supervise::release_slot();
    }
    if supervision.node.is_none()
        && let Some(state) = supervision.folder.state_dir()
        && let Err(error) = supervise::start_next(&state)
    {
        tracing::warn!(%error, "queued runs could not be started");
    }
    let mut slot_step = SLOT_STEP;
    loop {
        if let Some(interrupted) = supervision.folder.stop_requested() {
            return Rested::Stopped { interrupted };
        }
        let notice = supervision.node.map_or(NodeNotice::Nothing, |node| node.heartbeat().notice());
        if matches!(notice, NodeNotice::EndedElsewhere | NodeNotice::Fenced) {
            return Rested::Stopped { interrupted: true };
        }
        if supervision.folder.is_removed() {
            return Rested::Removed;
        }
        let by_timer = end.saturating_duration_since(after(Duration::ZERO));
        let by_clock = until.duration_since(clock::now());
        let left = by_timer.min(Duration::try_from(by_clock).unwrap_or_default());
        let pause = if left.is_zero() {
            if takes_slot(supervision) {
                return Rested::Ready;
            }
            slot_step = (slot_step * 2).min(SLOT_STEP_MAX);
            slot_step
        } else {
            let step = supervision.node.map_or(CLOCK_STEP, |node| node.heartbeat().interval());
            left.min(step)
        };
        tokio::select! {
            _ = signals.terminate.recv() => {
                let interrupted = supervision.node.is_some() && supervision.folder.stop_requested() == Some(true);
                return Rested::Stopped { interrupted };
            }
            _ = signals.interrupt.recv() => return Rested::Stopped { interrupted: true },
            _ = signals.quit.recv() => return Rested::Stopped { interrupted: true },
            _ = signals.child.recv() => drop(supervise::collect_children()),
            () = sleep(pause) => {}
        }
    }
}

/// The time of day `wait` after `from`. `None` outside the calendar.
pub(super) fn moment_after(from: jiff::Timestamp, wait: Duration) -> Option<jiff::Timestamp> {
    jiff::SignedDuration::try_from(wait).ok().and_then(|wait| from.checked_add(wait).ok())
}

/// Takes a free slot and holds it for this supervisor.
fn takes_slot(supervision: &Supervision<'_>) -> bool {
    if supervision.node.is_some() {
        return true;
    }
    let Some(slots) = supervision.spec.kind.job().map(|job| job.slots) else { return false };
    let state = supervision.folder.state_dir().and_then(|state| StateDir::find(&state).ok().flatten());
    let Some(state) = state else { return false };
    match slots::take(&state, slots) {
        Ok(Some(slot)) => supervise::hold_slot(&slot.into_file()).is_ok(),
        // A run that was started by a job never waits for a slot: that job holds one and may wait for this run.
        Ok(None) => is_nested(supervision),
        Err(error) => {
            tracing::warn!(%error, "a slot cannot be taken");
            false
        }
    }
}

fn is_nested(supervision: &Supervision<'_>) -> bool {
    let runs = supervision.folder.state_dir().map(|state| state.join("runs"));
    let parent = supervision.spec.parent_run.as_ref().zip(runs).map(|(id, runs)| RunFolder::at(runs.join(id.as_str())));
    parent.is_some_and(|parent| parent.read_spec().is_ok_and(|spec| spec.form().is_job()))
}
