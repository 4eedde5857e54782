//! Since when each active run is in its present state: from its records where they say so, else by comparing one
//! observation with the next. Pure.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::model::activity::{ActivitySource, ActivityState};
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::{RunState, WaitingFor};

/// The states of the active runs at the last observation, and since when.
#[derive(Debug, Default)]
pub(super) struct StateTimes(HashMap<RunId, (StateKey, Timestamp)>);

/// What people would call a state: two runs that differ in it are in different states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StateKey {
    state: &'static str,
    waiting_for: Option<WaitingFor>,
    activity: Option<ActivityState>,
}

impl StateKey {
    fn of(run: &Run) -> Self {
        let waiting_for = match run.state {
            RunState::Queued(waiting_for) => Some(waiting_for),
            _ => None,
        };
        let activity = run.progress.activity.as_ref().map(|activity| activity.state);
        Self { state: run.state.as_str(), waiting_for, activity }
    }
}

pub(super) fn is_same_state(one: &Run, other: &Run) -> bool {
    StateKey::of(one) == StateKey::of(other)
}

impl StateTimes {
    /// Sets `state_since` of the active runs of an observation that began at `at`.
    pub(super) fn note(&mut self, runs: &mut [Run], at: Timestamp) {
        let mut next = HashMap::new();
        for run in runs.iter_mut().filter(|run| run.is_active()) {
            let key = StateKey::of(run);
            let since = match (recorded(run), self.0.get(run.id())) {
                (Some(recorded), _) => recorded,
                (None, Some((known, since))) if *known == key => *since,
                (None, Some(_)) => at,
                (None, None) => first_time(run, at),
            };
            run.progress.state_since = Some(since);
            next.insert(run.id().clone(), (key, since));
        }
        self.0 = next;
    }
}

/// The begin of the state, if a record of the run holds it. The time of an agent that writes is that of its last
/// output, not of its first.
fn recorded(run: &Run) -> Option<Timestamp> {
    match run.state {
        RunState::Queued(WaitingFor::Retry) => None,
        RunState::Queued(_) => run.progress.waits_since,
        RunState::Running => {
            let activity = run.progress.activity.as_ref()?;
            let is_begin = match activity.state {
                ActivityState::Waiting | ActivityState::Idle => true,
                ActivityState::Working | ActivityState::Unknown => {
                    matches!(activity.source, ActivitySource::Hook | ActivitySource::Session)
                }
            };
            is_begin.then_some(activity.at)
        }
        _ => None,
    }
}

/// For a run that was not observed before and whose records do not say since when.
fn first_time(run: &Run, at: Timestamp) -> Timestamp {
    match run.state {
        RunState::Queued(WaitingFor::Retry) | RunState::Stopping | RunState::Unknown(_) => at,
        _ => run.since(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::activity::Activity;
    use crate::snapshot::for_tests::run;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The seconds since which the run is in its state, by an observation at second `at`.
    fn seen(times: &mut StateTimes, run: &Run, at: i64) -> i64 {
        let mut runs = [run.clone()];
        times.note(&mut runs, second(at));
        runs[0].since().as_second()
    }

    fn queued(waiting_for: WaitingFor, since: Option<i64>) -> Run {
        let mut run = run(1, RunState::Queued(waiting_for));
        run.progress.waits_since = since.map(second);
        run
    }

    fn window(state: ActivityState, source: ActivitySource, at: i64) -> Run {
        let mut run = run(1, RunState::Running);
        run.progress.started_at = Some(second(5));
        run.progress.activity = Some(Activity { state, reason: String::new(), source, at: second(at), fix: None });
        run
    }

    #[test]
    fn a_gate_counts_from_its_own_wait_and_a_start_from_the_change() {
        let mut times = StateTimes::default();
        assert_eq!(seen(&mut times, &queued(WaitingFor::Need, Some(10)), 20), 10);
        assert_eq!(seen(&mut times, &queued(WaitingFor::Gate, Some(30)), 31), 30);
        let started = run(1, RunState::Running);
        assert_eq!(seen(&mut times, &started, 40), 40);
        assert_eq!(seen(&mut times, &started, 50), 40);
        assert_eq!(seen(&mut times, &queued(WaitingFor::Retry, None), 60), 60);
        assert_eq!(seen(&mut times, &queued(WaitingFor::Retry, None), 70), 60);
    }

    #[test]
    fn work_counts_from_its_begin_though_output_goes_on() {
        let mut times = StateTimes::default();
        let works = |at| window(ActivityState::Working, ActivitySource::Output, at);
        assert_eq!(seen(&mut times, &window(ActivityState::Waiting, ActivitySource::Bell, 8), 10), 8);
        assert_eq!(seen(&mut times, &works(20), 20), 20);
        assert_eq!(seen(&mut times, &works(25), 26), 20);
        assert_eq!(seen(&mut times, &window(ActivityState::Idle, ActivitySource::Output, 25), 40), 25);
        assert_eq!(seen(&mut times, &window(ActivityState::Working, ActivitySource::Hook, 41), 44), 41);
        let mut late = StateTimes::default();
        assert_eq!(seen(&mut late, &works(90), 91), 90, "the first observation");
    }
}
