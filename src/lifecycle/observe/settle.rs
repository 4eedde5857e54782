//! From the observation of one run to its state. Probes again while the state is not settled, at most for the time
//! that `plan::observed_state` allows. Changes nothing.

use std::thread;
use std::time::Duration;

use crate::lifecycle::observe::observation::Observation;
use crate::lifecycle::observe::panes::{PaneListings, window_of};
use crate::lifecycle::observe::probe::probe;
use crate::lifecycle::store::Store;
use crate::model::run::{Run, RunFacts};
use crate::model::run_state::RunState;
use crate::os::clock::Stopwatch;
use crate::plan::observed_state::{self, InferredEnd, ObservedState};

/// Interval of probes while a state is not settled.
const STEP: Duration = Duration::from_millis(5);

pub(crate) enum SettledRun {
    Is(Box<Run>),
    /// No engine has its job.
    SubmitAgain,
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
        if observation.probe.needs_engine() {
            listings.engines.complete(store, observation);
        }
        // Read last: `stop` writes its request before it signals, so an end that was observed shows its request.
        observation.probe.stop_requested = observation.folder.stop_requested();
        match observed_state::of(&observation.probe) {
            ObservedState::Is(state) => return is(observation, state),
            ObservedState::SubmitAgain => return SettledRun::SubmitAgain,
            ObservedState::Over { end, ends_tree } => return SettledRun::Over { end, ends_tree },
            ObservedState::LookAgain { patience, otherwise } => {
                if let Some(run) = probe_again(store, observation, listings, (since, patience), otherwise) {
                    return SettledRun::Is(Box::new(run));
                }
            }
        }
    }
}

/// Waits 5 ms and probes again. `Some` if the end is recorded by then, or more than `patience` has passed: the run is
/// then `otherwise`.
pub(crate) fn probe_again(
    store: &Store,
    observation: &mut Observation,
    listings: &mut PaneListings,
    (since, patience): (Stopwatch, Duration),
    otherwise: RunState,
) -> Option<Run> {
    let facts = RunFacts::of(&observation.spec);
    if since.elapsed() > patience {
        return Some(observation.run(facts, otherwise));
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
