//! From the observation of one run to its state. Probes again while the state is not settled, at most for the time
//! that `plan::observed_state` allows. Changes nothing.

use std::thread;
use std::time::Duration;

use crate::lifecycle::observe::observation::Observation;
use crate::lifecycle::observe::panes::{PaneListings, window_of};
use crate::lifecycle::observe::probe::probe;
use crate::lifecycle::store::Store;
use crate::model::run::{Run, RunFacts};
use crate::model::run_state::{RunState, UnknownWhy};
use crate::os::clock::Stopwatch;
use crate::plan::observed_state::{self, COMMAND_PATIENCE, InferredEnd, ObservedState};

/// How long a supervisor may live after it has released its pair lock.
const SUPERVISOR_EXIT_PATIENCE: Duration = Duration::from_secs(1);

/// Interval of probes while a state is not settled.
const STEP: Duration = Duration::from_millis(5);

pub(crate) enum SettledRun {
    Is(Box<Run>),
    /// Ended without a recorded end. `ends_tree`: its remaining processes must be ended first.
    Over {
        end: InferredEnd,
        ends_tree: bool,
    },
}

/// The state of one run, by its window too if its records do not suffice.
pub(crate) fn settle(
    store: &Store,
    observation: &mut Observation,
    listings: &mut PaneListings,
    since: Stopwatch,
) -> SettledRun {
    loop {
        if observation.probe.needs_window() {
            let (window, pane) = window_of(observation, listings);
            observation.probe.window = Some(window);
            observation.pane = pane;
        }
        // Read last: `stop` writes its request before it signals, so an end that was observed shows its request.
        observation.probe.stop_requested = observation.folder.stop_requested();
        let patience = match observed_state::of(&observation.probe) {
            ObservedState::Is(state) => return is(observation, state),
            // The supervisor releases the pair lock shortly before it exits. If it lives longer without the lock, a
            // damaged record names another pair: its processes must not be ended.
            ObservedState::Over { .. } if observation.supervisor_lives() => {
                if since.elapsed() > SUPERVISOR_EXIT_PATIENCE {
                    let why = UnknownWhy::Unreadable(
                        "its record names a pair whose lock its supervisor does not hold".to_owned(),
                    );
                    return is(observation, RunState::Unknown(why));
                }
                COMMAND_PATIENCE
            }
            ObservedState::Over { end, ends_tree } => return SettledRun::Over { end, ends_tree },
            ObservedState::LookAgain { patience } => patience,
        };
        if let Some(run) = probe_again(store, observation, listings, since, patience) {
            return SettledRun::Is(Box::new(run));
        }
    }
}

/// Waits 5 ms and probes again. `Some` if the end is recorded by then, or more than `patience` has passed.
pub(crate) fn probe_again(
    store: &Store,
    observation: &mut Observation,
    listings: &mut PaneListings,
    since: Stopwatch,
    patience: Duration,
) -> Option<Run> {
    let facts = RunFacts::of(&observation.spec);
    if since.elapsed() > patience {
        let is_window = observation.probe.window.is_some();
        let why = || UnknownWhy::Window("tmux has not reported how its process ended");
        return Some(observation.run(facts, if is_window { RunState::Unknown(why()) } else { RunState::Starting }));
    }
    thread::sleep(STEP);
    if let Ok(Some(end)) = observation.folder.read_exit() {
        return Some(Run::ended(facts, end));
    }
    let end_damaged = observation.probe.end_damaged;
    observation.probe = probe(store, &observation.folder, &observation.spec);
    observation.probe.end_damaged |= end_damaged;
    listings.forget();
    None
}

fn is(observation: &Observation, state: RunState) -> SettledRun {
    SettledRun::Is(Box::new(observation.run(RunFacts::of(&observation.spec), state)))
}
