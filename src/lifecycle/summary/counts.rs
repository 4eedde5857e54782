//! Counts runs by state for a one-line summary of a project. Pure.

use jiff::Timestamp;

use crate::model::activity::ActivityState;
use crate::model::run::Run;
use crate::model::run_state::{EndState, RunState, WaitingFor};

/// How long a failure is counted, unless the pair runs again.
const RECENT_MS: i64 = 3_600_000;

/// Numbers of runs. Expects one run for each pair: its active run, else its last ended one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waits for the user, in a window or at a gate.
    pub waiting: usize,
    /// Starting, running or stopping, except `waiting` and `idle`; includes windows with unknown activity.
    pub running: usize,
    pub idle: usize,
    /// Waits for anything except the user.
    pub queued: usize,
    /// Failed in the last hour.
    pub failed: usize,
    pub unknown: usize,
}

impl Counts {
    pub fn of(runs: &[Run], now: Timestamp) -> Self {
        let mut counts = Self::default();
        for run in runs {
            let activity = run.progress.activity.as_ref().map(|activity| activity.state);
            match (&run.state, activity) {
                (RunState::Queued(WaitingFor::Gate), _) | (RunState::Running, Some(ActivityState::Waiting)) => {
                    counts.waiting += 1;
                }
                (RunState::Running, Some(ActivityState::Idle)) => counts.idle += 1,
                (RunState::Starting | RunState::Running | RunState::Stopping, _) => counts.running += 1,
                (RunState::Queued(_), _) => counts.queued += 1,
                (RunState::Unknown(_), _) => counts.unknown += 1,
                (RunState::Ended(EndState::Succeeded | EndState::Stopped), _) => {}
                (RunState::Ended(_), _) => {
                    let recent = |ended: Timestamp| now.as_millisecond() - ended.as_millisecond() < RECENT_MS;
                    counts.failed += usize::from(run.end.as_ref().is_some_and(|end| recent(end.ended_at)));
                }
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::for_tests::{ended, run};

    #[test]
    fn what_failed_is_shown_for_an_hour() {
        let mut failed = ended(1, 0);
        failed.state = RunState::Ended(EndState::Failed);
        let at = failed.end.as_ref().unwrap().ended_at.as_second();
        let failed = |now| Counts::of(std::slice::from_ref(&failed), Timestamp::from_second(now).unwrap()).failed;
        assert_eq!((failed(at), failed(at + 3599), failed(at + 3600)), (1, 1, 0));
    }

    #[test]
    fn waiting_for_the_user_and_waiting_for_anything_else_are_counted_apart() {
        let states = [
            RunState::Queued(WaitingFor::Gate),
            RunState::Queued(WaitingFor::Slot),
            RunState::Running,
            RunState::Starting,
        ];
        let runs: Vec<Run> = (1..).zip(states).map(|(n, state)| run(n, state)).collect();
        let counts = Counts { waiting: 1, running: 2, queued: 1, ..Counts::default() };
        assert_eq!(Counts::of(&runs, Timestamp::UNIX_EPOCH), counts);
    }
}
