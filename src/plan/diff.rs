//! Wanted and actual → plan. What cannot be seen never leads to an action.
//!
//! The laws, tested below: with every action done, none is left; `Unknown` yields none.

use crate::model::end_reason::EndReason;
use crate::model::names::Pair;
use crate::model::restart::Restart;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::{EndState, RunState};
use crate::plan::drift::Drift;
use crate::plan::step::{Hold, Kept, Step, What};
use crate::plan::wanted::Membership;

/// So many restarts within ten minutes are a loop. Who observes counts them.
pub const CRASH_LOOP: u32 = 5;

/// A wanted pair and what was seen of its newest run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedState {
    pub pair: Pair,
    pub restart: Restart,
    pub seen: Seen,
}

/// What was seen of a pair's newest run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was never run.
    Nothing,
    Active {
        run: RunId,
        state: RunState,
        by_up: bool,
        /// The fields in which its spec differs from what a start would write now.
        drift: Vec<Drift>,
    },
    Ended {
        run: RunId,
        end: EndState,
        reason: Option<EndReason>,
        /// Stopped, closed or rejected by a person.
        by_person: bool,
        /// No process of it ever ran, and nobody wanted that.
        never_started: bool,
        /// Starts of this pair by `up` in the last ten minutes that followed an end.
        recent_restarts: u32,
    },
    Unknown {
        run: RunId,
        why: String,
    },
}

/// An active run of a pair that is not in the wanted set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherActive {
    pub pair: Pair,
    pub run: RunId,
    pub state: RunState,
    pub by_up: bool,
    pub standing: Membership,
}

/// How `up` was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Drifted runs are started anew.
    pub recreate: bool,
    /// Orphans are ended.
    pub prune: bool,
    /// Nobody asked just now: what a person ended stays ended, and loops are held.
    pub watch: bool,
}

/// What is to be done, and what is not and why. Actions come first once it is arranged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    pub fn actions(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_action())
    }

    /// Nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.actions().next().is_none()
    }

    /// The wanted pairs whose runs are on their way: what starts now may wait for them.
    pub fn on_their_way(&self) -> Vec<Pair> {
        let goes = |what: &What| {
            matches!(what, What::Keep(Kept::Running(_) | Kept::Queued(..) | Kept::Stopping(_)) | What::Drifted { .. })
        };
        let active = self.steps.iter().filter(|step| goes(&step.what));
        active.map(|step| step.pair.clone()).collect()
    }

    /// The pairs that runs are started for.
    pub fn starts(&self) -> Vec<Pair> {
        self.steps.iter().filter(|step| step.is_start()).map(|step| step.pair.clone()).collect()
    }
}

impl Seen {
    /// From an observed run. The last three are asked of who knows the spec and the history.
    pub fn of(run: &Run, drift: Vec<Drift>, by_person: bool, recent_restarts: u32) -> Self {
        let id = run.id().clone();
        match &run.state {
            RunState::Ended(end) => {
                let reason = run.end.as_ref().and_then(|end| end.reason.clone());
                let never_started = !by_person && run.never_started();
                Self::Ended { run: id, end: *end, reason, by_person, never_started, recent_restarts }
            }
            RunState::Unknown(why) => Self::Unknown { run: id, why: why.reason() },
            state => Self::Active { run: id, state: state.clone(), by_up: run.facts.by_up, drift },
        }
    }
}

/// One step for each wanted pair, in their order, then one for each other run that `up` started.
pub fn diff(wanted: &[WantedState], others: &[OtherActive], options: Options) -> Plan {
    let kept = wanted.iter().map(|state| Step::new(state.pair.clone(), about(state, options)));
    let others = others.iter().filter_map(|other| Some(Step::new(other.pair.clone(), about_other(other, options)?)));
    Plan { steps: kept.chain(others).collect() }
}

fn about(wanted: &WantedState, options: Options) -> What {
    match &wanted.seen {
        Seen::Nothing => What::Start,
        Seen::Unknown { run, why } => What::Unknown { run: Some(run.clone()), why: why.clone() },
        Seen::Active { run, state, drift, .. } => match (goes_on(state) && !drift.is_empty(), options.recreate) {
            (true, true) => What::Recreate { run: run.clone(), drift: drift.clone() },
            (true, false) => What::Drifted { run: run.clone(), drift: drift.clone() },
            (false, _) => active(run, state),
        },
        Seen::Ended { run, end, reason, by_person, never_started, recent_restarts } => {
            let again = match wanted.restart {
                // An end before the start (tmux was missing, say) is not the run that is wanted.
                Restart::Never => *never_started,
                Restart::OnFailure => *end != EndState::Succeeded,
                Restart::Always => true,
            };
            if !again {
                return What::Keep(Kept::Satisfied(run.clone(), *end));
            }
            again_or_held(run, *end, reason.as_ref(), hold(*by_person, *recent_restarts), options)
        }
    }
}

/// Why an ended run is not started again unless a person says so now.
pub(in crate::plan) fn hold(by_person: bool, recent_restarts: u32) -> Option<Hold> {
    match by_person {
        true => Some(Hold::StoppedByPerson),
        false => (recent_restarts >= CRASH_LOOP).then_some(Hold::CrashLoop { restarts: recent_restarts }),
    }
}

pub(in crate::plan) fn again_or_held(
    run: &RunId,
    end: EndState,
    reason: Option<&EndReason>,
    hold: Option<Hold>,
    options: Options,
) -> What {
    let loops = match hold {
        Some(why) if options.watch => return What::Held { run: Some(run.clone()), why },
        Some(Hold::CrashLoop { restarts }) => Some(restarts),
        _ => None,
    };
    What::Restart { last: run.clone(), end, reason: reason.cloned(), loops }
}

fn goes_on(state: &RunState) -> bool {
    matches!(state, RunState::Queued(_) | RunState::Starting | RunState::Running)
}

/// An end among the active is a contradiction: nothing is concluded from it.
fn active(run: &RunId, state: &RunState) -> What {
    What::of_active(run.clone(), state)
        .unwrap_or_else(|| What::Unknown { run: Some(run.clone()), why: "it is ending".to_owned() })
}

/// `None` where `up` has nothing to say: a person's own run.
fn about_other(other: &OtherActive, options: Options) -> Option<What> {
    if !other.by_up {
        return None;
    }
    let run = other.run.clone();
    if !goes_on(&other.state) {
        return Some(active(&run, &other.state));
    }
    Some(match other.standing {
        Membership::Wanted | Membership::Needed => active(&run, &other.state),
        Membership::Unselected => What::Unselected { run },
        Membership::Unwanted if options.prune => What::Stop { run },
        Membership::Unwanted => What::Orphan { run },
    })
}
