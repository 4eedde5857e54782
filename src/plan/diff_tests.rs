//! The rules of `diff` one by one, and its invariants over arbitrary observations.

use proptest::prelude::*;

use crate::model::end_reason::EndReason;
use crate::model::restart::Restart;
use crate::model::run_state::{EndState, RunState, UnknownWhy, WaitingFor};
use crate::plan::diff::{CRASH_LOOP, ObservedRun, OtherActive, UpOptions, WantedState, diff};
use crate::plan::drift::Drift;
use crate::plan::for_tests::{pair, run};
use crate::plan::wanted::Membership;

const PLAIN: UpOptions = UpOptions { recreate: false, prune: false, watch: false };
const WATCH: UpOptions = UpOptions { watch: true, ..PLAIN };

fn wanted(restart: Restart, seen: ObservedRun) -> WantedState {
    WantedState { pair: pair("talk T"), restart, seen }
}

fn active(state: RunState, drift: &[&'static str]) -> ObservedRun {
    ObservedRun::Active { run: run(1), state, by_up: true, drift: drift.iter().copied().map(Drift::of_field).collect() }
}

fn ended(end: EndState, by_person: bool, recent_restarts: u32) -> ObservedRun {
    let reason = (end == EndState::Failed).then_some(EndReason::ExitCode(3));
    ObservedRun::Ended { run: run(1), end, reason, by_person, never_started: false, recent_restarts }
}

fn said(restart: Restart, seen: ObservedRun, options: UpOptions) -> String {
    diff(&[wanted(restart, seen)], &[], options).steps[0].to_string()
}

#[test]
fn an_end_satisfies_or_is_followed_by_a_restart() {
    use EndState::{DependencyFailed, Failed, Lost, Stopped, Succeeded, TimedOut};
    assert_eq!(said(Restart::Never, ObservedRun::Nothing, WATCH), "start talk T (missing)");
    for end in EndState::ALL {
        let never = said(Restart::Never, ended(end, false, 0), PLAIN);
        assert_eq!(never, format!("keep talk T ({})", end.as_str()));
    }
    assert_eq!(said(Restart::OnFailure, ended(Succeeded, false, 0), PLAIN), "keep talk T (succeeded)");
    for (end, words) in [
        (Failed, "failed: exit code 3"),
        (TimedOut, "timed_out"),
        (Lost, "lost"),
        (Stopped, "stopped"),
        (DependencyFailed, "dependency_failed"),
    ] {
        for options in [PLAIN, WATCH] {
            let again = said(Restart::OnFailure, ended(end, false, 4), options);
            assert_eq!(again, format!("restart talk T ({words})"));
        }
    }
    assert_eq!(said(Restart::Always, ended(Succeeded, false, 0), WATCH), "restart talk T (succeeded)");
}

#[test]
fn what_a_person_ended_and_what_crashes_again_and_again_wait_for_a_plain_up() {
    for restart in [Restart::OnFailure, Restart::Always] {
        let stopped = ended(EndState::Stopped, true, 0);
        assert_eq!(said(restart, stopped.clone(), WATCH), "held talk T (stopped by a person; `up` starts it again)");
        assert_eq!(said(restart, stopped, PLAIN), "restart talk T (stopped by a person; held by `--watch`)");
        let looping = ended(EndState::Failed, false, CRASH_LOOP);
        let held = "held talk T (restarted 5 times in 10 minutes; `up` starts it again)";
        assert_eq!(said(restart, looping.clone(), WATCH), held);
        let again = "restart talk T (failed: exit code 3; restarted 5 times in 10 minutes, held by `--watch`)";
        assert_eq!(said(restart, looping, PLAIN), again);
    }
    assert_eq!(said(Restart::Never, ended(EndState::Stopped, true, 0), WATCH), "keep talk T (stopped)");
}

#[test]
fn drift_is_told_and_acted_on_only_when_asked() {
    let recreate = UpOptions { recreate: true, ..PLAIN };
    let drifted = || active(RunState::Running, &["prompt", "argv"]);
    assert_eq!(said(Restart::Never, drifted(), PLAIN), "drifted talk T (drifted: prompt, argv)");
    assert_eq!(said(Restart::Never, drifted(), recreate), "recreate talk T (drifted: prompt, argv)");
    assert_eq!(said(Restart::Never, active(RunState::Running, &[]), recreate), "keep talk T (running)");
    assert_eq!(said(Restart::Never, active(RunState::Stopping, &["argv"]), recreate), "keep talk T (stopping)");
    let queued = active(RunState::Queued(WaitingFor::Gate), &[]);
    assert_eq!(said(Restart::Never, queued, PLAIN), "keep talk T (queued (gate))");
}

#[test]
fn only_orphans_that_up_started_are_ended_and_only_by_prune() {
    let other = |standing, by_up, state| OtherActive { pair: pair("talk X"), run: run(2), state, by_up, standing };
    let prune = UpOptions { prune: true, ..PLAIN };
    let word = |other, options| diff(&[], &[other], options).steps.first().map(|step| step.action.word());
    for (standing, plain, pruned) in [
        (Membership::Unwanted, "orphan", "stop"),
        (Membership::Unselected, "unselected", "unselected"),
        (Membership::Needed, "keep", "keep"),
        (Membership::Wanted, "keep", "keep"),
    ] {
        assert_eq!(word(other(standing, true, RunState::Running), PLAIN), Some(plain));
        assert_eq!(word(other(standing, true, RunState::Running), prune), Some(pruned));
        assert_eq!(word(other(standing, false, RunState::Running), prune), None, "a person's own run");
    }
    let recreate = UpOptions { recreate: true, ..WATCH };
    assert_eq!(word(other(Membership::Unwanted, true, RunState::Running), recreate), Some("orphan"));
    assert_eq!(word(other(Membership::Unwanted, true, RunState::Stopping), prune), Some("keep"));
    let unseen = RunState::Unknown(UnknownWhy::Foreign);
    assert_eq!(word(other(Membership::Unwanted, true, unseen), prune), Some("unknown"));
}

fn any_state() -> impl Strategy<Value = RunState> {
    prop_oneof![
        Just(RunState::Queued(WaitingFor::Need)),
        Just(RunState::Starting),
        Just(RunState::Running),
        Just(RunState::Stopping),
        Just(RunState::Ended(EndState::Lost)),
        Just(RunState::Unknown(UnknownWhy::Tmux("no answer".into()))),
    ]
}

fn any_seen() -> impl Strategy<Value = ObservedRun> {
    let drift = prop_oneof![Just(vec![]), Just(vec![Drift::of_field("argv")])];
    prop_oneof![
        Just(ObservedRun::Nothing),
        (any_state(), any::<bool>(), drift).prop_map(|(state, by_up, drift)| ObservedRun::Active {
            run: run(1),
            state,
            by_up,
            drift
        }),
        (0..EndState::ALL.len(), any::<bool>(), 0u32..8).prop_map(|(end, by_person, restarts)| ended(
            EndState::ALL[end],
            by_person,
            restarts
        )),
        Just(ObservedRun::Unknown { run: run(1), why: "not seen".into() }),
    ]
}

fn any_other() -> impl Strategy<Value = (RunState, bool, Membership)> {
    let standing = prop_oneof![
        Just(Membership::Wanted),
        Just(Membership::Needed),
        Just(Membership::Unselected),
        Just(Membership::Unwanted)
    ];
    (any_state(), any::<bool>(), standing)
}

proptest! {
    #[test]
    fn with_every_action_done_none_is_left_and_the_unknown_is_left_alone(
        states in proptest::collection::vec((0..Restart::ALL.len(), any_seen()), 0..8),
        others in proptest::collection::vec(any_other(), 0..5),
        (recreate, prune, watch) in any::<(bool, bool, bool)>(),
    ) {
        let options = UpOptions { recreate, prune, watch };
        let mut wanted: Vec<WantedState> = states
            .into_iter()
            .enumerate()
            .map(|(i, (restart, seen))| WantedState { pair: pair(&format!("a T{i}")), restart: Restart::ALL[restart], seen })
            .collect();
        let mut others: Vec<OtherActive> = others
            .into_iter()
            .enumerate()
            .map(|(i, (state, by_up, standing))| OtherActive { pair: pair(&format!("b T{i}")), run: run(9), state, by_up, standing })
            .collect();
        let plan = diff(&wanted, &others, options);
        prop_assert!(plan.steps.len() >= wanted.len());
        for step in &plan.steps {
            let unseen = wanted.iter().any(|state| state.pair == step.pair && matches!(&state.seen, ObservedRun::Unknown { .. } | ObservedRun::Active { state: RunState::Unknown(_), .. }))
                || others.iter().any(|other| other.pair == step.pair && matches!(other.state, RunState::Unknown(_)));
            prop_assert!(!(unseen && step.is_action()), "{step}");
            prop_assert!(!step.reason().is_empty());
        }
        for step in plan.actions() {
            others.retain(|other| other.pair != step.pair || step.is_start());
            for state in wanted.iter_mut().filter(|state| state.pair == step.pair) {
                state.seen = active(RunState::Starting, &[]);
            }
        }
        prop_assert!(diff(&wanted, &others, options).is_empty());
    }
}
