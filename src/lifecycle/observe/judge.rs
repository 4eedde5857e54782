//! From the observation of one run to its state. Probes again while the state is not settled, at most for the time
//! that the verdict allows. Changes nothing.

use std::thread;
use std::time::Duration;

use crate::lifecycle::observe::observation::Observation;
use crate::lifecycle::observe::panes::{PaneListings, window_of};
use crate::lifecycle::observe::probe::probe;
use crate::lifecycle::store::Store;
use crate::model::run::{Run, RunFacts};
use crate::model::run_state::{RunState, UnknownWhy};
use crate::os::clock::Stopwatch;
use crate::plan::actual::{self, InferredEnd, Locality, LockProbe, Verdict};

/// Longer than a supervisor lives after it has released its pair's lock.
const AT_ITS_END: Duration = Duration::from_secs(1);

/// Interval of probes while a state is not settled.
const STEP: Duration = Duration::from_millis(5);

/// How long a changing run is probed again: ending a tree takes a command 6 s at most.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

pub(crate) enum RunJudgement {
    Is(Box<Run>),
    /// Ended without a recorded end. `ends_tree`: its remaining processes must be ended first.
    Over {
        end: InferredEnd,
        ends_tree: bool,
    },
}

/// Judges one run, with its window if its records do not suffice.
pub(crate) fn judge(
    store: &Store,
    observation: &mut Observation,
    listings: &mut PaneListings,
    since: Stopwatch,
) -> RunJudgement {
    loop {
        let needs_window = !observation.probe.headless
            && matches!(observation.probe.lock, LockProbe::Free | LockProbe::HeldByAnother)
            && observation.probe.locality == Locality::Here;
        if needs_window {
            let (window, pane) = window_of(observation, listings);
            observation.probe.window = Some(window);
            observation.pane = pane;
        }
        // Read last: `stop` writes its request before it signals, so an end that was observed shows its request.
        observation.probe.stop_asked = observation.folder.stop_asked();
        let patience = match actual::judge(&observation.probe) {
            Verdict::Is(state) => return is(observation, state),
            // The supervisor releases the pair lock shortly before it exits. If it lives longer without the lock, a
            // damaged record names another pair: its processes must not be ended.
            Verdict::Over { .. } if observation.supervisor_lives() => {
                if since.elapsed() > AT_ITS_END {
                    let why = UnknownWhy::Unreadable("its supervisor does not hold the pair it names".to_owned());
                    return is(observation, RunState::Unknown(why));
                }
                PATIENCE
            }
            Verdict::Over { end, sweep } => return RunJudgement::Over { end, ends_tree: sweep },
            Verdict::LookAgain { patience_ms } => Duration::from_millis(patience_ms.into()),
        };
        if let Some(run) = probe_again(store, observation, listings, since, patience) {
            return RunJudgement::Is(Box::new(run));
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
        let unsettled = || RunState::Unknown(UnknownWhy::Tmux("its end is not settled".to_owned()));
        return Some(observation.run(facts, if is_window { unsettled() } else { RunState::Starting }));
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

fn is(observation: &Observation, state: RunState) -> RunJudgement {
    RunJudgement::Is(Box::new(observation.run(RunFacts::of(&observation.spec), state)))
}
