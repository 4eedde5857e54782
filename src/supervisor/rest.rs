//! The pause between two attempts. The job gives its slot back, and takes one before the next attempt.

use std::time::Duration;

use tokio::time::sleep;

use crate::model::end_reason::EndReason;
use crate::model::live_record::RetryWait;
use crate::model::run_spec::RunKind;
use crate::os::clock;
use crate::os::process::supervise;
use crate::store::run_folder::RunFolder;
use crate::store::slots;
use crate::store::state_dir::StateDir;
use crate::supervisor::supervision::Supervision;
use crate::supervisor::wakeups::{Signals, after};

/// Timers stand still while the machine is suspended: the time of day is compared this often.
const CLOCK_STEP: Duration = Duration::from_secs(30);
/// While no slot is free they are tried again after this long, doubled up to the second.
const SLOT_STEP: Duration = Duration::from_millis(10);
const SLOT_STEP_MAX: Duration = Duration::from_secs(1);

/// How a rest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rested {
    /// With a slot for the next attempt.
    Ready,
    Stopped {
        interrupted: bool,
    },
    /// The run's folder was removed: another attempt would have no record.
    Removed,
}

/// Sleeps for `wait` without a slot, then takes one as soon as there is one.
pub(super) async fn rest(
    supervision: &mut Supervision<'_>,
    wait: Duration,
    reason: Option<EndReason>,
    signals: &mut Signals,
) -> Rested {
    let until = moment_after(clock::now(), wait).unwrap_or_else(clock::now);
    let end = after(wait);
    supervision.say_resting(RetryWait { until, reason });
    let _ = supervise::release_slot();
    if let Some(state) = supervision.folder.state_dir()
        && let Err(error) = supervise::start_next(&state)
    {
        tracing::warn!(%error, "the queue does not move");
    }
    let mut slot_step = SLOT_STEP;
    loop {
        if let Some(interrupted) = supervision.folder.stop_asked() {
            return Rested::Stopped { interrupted };
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
            left.min(CLOCK_STEP)
        };
        tokio::select! {
            _ = signals.terminate.recv() => return Rested::Stopped { interrupted: false },
            _ = signals.interrupt.recv() => return Rested::Stopped { interrupted: true },
            _ = signals.quit.recv() => return Rested::Stopped { interrupted: true },
            _ = signals.child.recv() => drop(supervise::reap()),
            () = sleep(pause) => {}
        }
    }
}

/// The time of day `wait` after `from`. `None` outside the calendar.
pub(super) fn moment_after(from: jiff::Timestamp, wait: Duration) -> Option<jiff::Timestamp> {
    jiff::SignedDuration::try_from(wait).ok().and_then(|wait| from.checked_add(wait).ok())
}

/// Takes a free slot and holds it as a supervisor does.
fn takes_slot(supervision: &Supervision<'_>) -> bool {
    let RunKind::Headless { slots, .. } = supervision.spec.kind else { return false };
    let state = supervision.folder.state_dir().and_then(|state| StateDir::find(&state).ok().flatten());
    let Some(state) = state else { return false };
    match slots::take(&state, slots) {
        Ok(Some(slot)) => supervise::hold_slot(&slot.into_file()).is_ok(),
        // A run nested in a job never waits for a slot: its caller holds one and may wait for it.
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
    parent.is_some_and(|parent| parent.read_spec().is_ok_and(|spec| spec.is_headless()))
}
