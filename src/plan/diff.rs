//! Compares wanted and observed runs; the result is a plan. Pure.
//!
//! After all actions of a plan are done, the next plan has none. A run in an unknown state leads to no action.

use crate::model::end_reason::EndReason;
use crate::model::names::Pair;
use crate::model::restart::Restart;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::{EndState, RunState};
use crate::plan::drift::Drift;
use crate::plan::step::{Action, HeldReason, Kept, Step};
use crate::plan::wanted::Membership;

/// This many restarts within ten minutes are a crash loop.
pub const CRASH_LOOP: u32 = 5;

/// A wanted pair and its newest run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedState {
    pub pair: Pair,
    pub restart: Restart,
    pub seen: ObservedRun,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObservedRun {
    /// The pair was never run.
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
        /// It failed or was lost before any process of it started.
        never_started: bool,
        /// Restarts of this pair by `up` in the last ten minutes.
        recent_restarts: u32,
    },
    Unknown {
        run: RunId,
        why: String,
    },
}

/// An active run of a pair that is not wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherActive {
    pub pair: Pair,
    pub run: RunId,
    pub state: RunState,
    pub by_up: bool,
    pub standing: Membership,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpOptions {
    /// Replace drifted runs.
    pub recreate: bool,
    /// Stop orphans.
    pub prune: bool,
    /// `--watch`: hold runs that a person ended and crash loops.
    pub watch: bool,
}

/// The steps, including those without action and their reason. Once arranged, actions come first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<Step>,
}

impl Plan {
    pub fn actions(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_action())
    }

    /// Whether the plan has no action.
    pub fn is_empty(&self) -> bool {
        self.actions().next().is_none()
    }

    /// The pairs with active runs: starts may wait for them.
    pub fn on_their_way(&self) -> Vec<Pair> {
        let goes = |what: &Action| {
            matches!(
                what,
                Action::Keep(Kept::Running(_) | Kept::Queued(..) | Kept::Stopping(_)) | Action::Drifted { .. }
            )
        };
        let active = self.steps.iter().filter(|step| goes(&step.action));
        active.map(|step| step.pair.clone()).collect()
    }

    /// The pairs for which runs are started.
    pub fn starts(&self) -> Vec<Pair> {
        self.steps.iter().filter(|step| step.is_start()).map(|step| step.pair.clone()).collect()
    }
}

impl ObservedRun {
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

/// One step for each wanted pair, in order, then one for each other run that `up` started.
pub fn diff(wanted: &[WantedState], others: &[OtherActive], options: UpOptions) -> Plan {
    let kept = wanted.iter().map(|state| Step::new(state.pair.clone(), about(state, options)));
    let others = others.iter().filter_map(|other| Some(Step::new(other.pair.clone(), about_other(other, options)?)));
    Plan { steps: kept.chain(others).collect() }
}

fn about(wanted: &WantedState, options: UpOptions) -> Action {
    match &wanted.seen {
        ObservedRun::Nothing => Action::Start,
        ObservedRun::Unknown { run, why } => Action::Unknown { run: Some(run.clone()), why: why.clone() },
        ObservedRun::Active { run, state, drift, .. } => {
            match (goes_on(state) && !drift.is_empty(), options.recreate) {
                (true, true) => Action::Recreate { run: run.clone(), drift: drift.clone() },
                (true, false) => Action::Drifted { run: run.clone(), drift: drift.clone() },
                (false, _) => active(run, state),
            }
        }
        ObservedRun::Ended { run, end, reason, by_person, never_started, recent_restarts } => {
            let again = match wanted.restart {
                // The run could not start (for example without tmux): the wanted run is still missing.
                Restart::Never => *never_started,
                Restart::OnFailure => *end != EndState::Succeeded,
                Restart::Always => true,
            };
            if !again {
                return Action::Keep(Kept::Satisfied(run.clone(), *end));
            }
            again_or_held(run, *end, reason.as_ref(), hold(*by_person, *recent_restarts), options)
        }
    }
}

/// Why `up --watch` does not restart an ended run.
pub(in crate::plan) fn hold(by_person: bool, recent_restarts: u32) -> Option<HeldReason> {
    match by_person {
        true => Some(HeldReason::StoppedByPerson),
        false => (recent_restarts >= CRASH_LOOP).then_some(HeldReason::CrashLoop { restarts: recent_restarts }),
    }
}

pub(in crate::plan) fn again_or_held(
    run: &RunId,
    end: EndState,
    reason: Option<&EndReason>,
    hold: Option<HeldReason>,
    options: UpOptions,
) -> Action {
    match hold {
        Some(why) if options.watch => Action::Held { run: Some(run.clone()), why },
        hold => Action::Restart { last: run.clone(), end, reason: reason.cloned(), hold },
    }
}

fn goes_on(state: &RunState) -> bool {
    matches!(state, RunState::Queued(_) | RunState::Starting | RunState::Running)
}

/// The step for an active run. A contradiction (active but ended) leads to no action.
fn active(run: &RunId, state: &RunState) -> Action {
    Action::of_active(run.clone(), state)
        .unwrap_or_else(|| Action::Unknown { run: Some(run.clone()), why: "it is ending".to_owned() })
}

/// `None` for a run that `up` did not start: `up` does not manage it.
fn about_other(other: &OtherActive, options: UpOptions) -> Option<Action> {
    if !other.by_up {
        return None;
    }
    let run = other.run.clone();
    if !goes_on(&other.state) {
        return Some(active(&run, &other.state));
    }
    Some(match other.standing {
        Membership::Wanted | Membership::Needed => active(&run, &other.state),
        Membership::Unselected => Action::Unselected { run },
        Membership::Unwanted if options.prune => Action::Stop { run },
        Membership::Unwanted => Action::Orphan { run },
    })
}
