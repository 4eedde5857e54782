//! Orders a plan: first stops, then starts and their needs in the order of the graph, last the pairs without action.
//! Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::model::names::Pair;
use crate::plan::diff::{ObservedRun, Plan, UpOptions, again_or_held, hold};
use crate::plan::graph::{Graph, NodeWhy};
use crate::plan::step::{Action, HeldReason, Kept, Step};

/// Orders `plan` by the graph of its starts. `seen` returns the newest run of a pair that a start needs.
pub fn arrange(plan: Plan, graph: &Graph, options: UpOptions, mut seen: impl FnMut(&Pair) -> ObservedRun) -> Plan {
    let (starts, rest): (Vec<Step>, Vec<Step>) = plan.steps.into_iter().partition(Step::is_start);
    let (mut steps, mut kept): (Vec<Step>, Vec<Step>) = rest.into_iter().partition(Step::is_action);
    let on_their_way = graph.nodes.iter().filter(|node| node.why == NodeWhy::OnItsWay);
    let on_their_way: HashSet<&Pair> = on_their_way.map(|node| &node.pair).collect();
    let told: Vec<Step>;
    (told, kept) = kept.into_iter().partition(|step| on_their_way.contains(&step.pair));
    let by_pair = |steps: Vec<Step>| steps.into_iter().map(|step| (step.pair.clone(), step)).collect();
    let (mut starts, mut told): (HashMap<Pair, Step>, HashMap<Pair, Step>) = (by_pair(starts), by_pair(told));
    let mut fates: Vec<Fate> = vec![Fate::Settled; graph.nodes.len()];
    let mut extra: BTreeSet<Pair> = BTreeSet::new();
    for (depth, index) in graph.tree() {
        let node = &graph.nodes[*index];
        let mut step = match starts.remove(&node.pair).or_else(|| told.remove(&node.pair)) {
            Some(step) => step,
            None => Step::new(node.pair.clone(), pulled(seen(&node.pair), options)),
        };
        if let NodeWhy::NeededBy(mode) = &node.why {
            step.needed_by = Some(mode.clone());
        }
        step.depth = *depth;
        let need =
            |fate| node.needs.iter().find(|need| fates[**need] == fate).map(|need| &graph.nodes[*need].pair.mode);
        let run = step.run().cloned();
        if !step.is_start() {
            // Active, or excluded for its own reason: needs do not change it.
        } else if let Some(mode) = need(Fate::Unseen) {
            step.action = Action::Unknown { run, why: format!("it needs `{mode}`, which cannot be seen") };
        } else if let Some(mode) = need(Fate::Held) {
            step.action = Action::Held { run, why: HeldReason::Need(mode.clone()) };
        }
        fates[*index] = Fate::of(&step.action);
        let mut waits: Vec<usize> = graph.after(*index).filter(|on| fates[*on] == Fate::Awaited).collect();
        waits.sort_unstable();
        waits.dedup();
        if step.is_start() {
            step.after = waits.into_iter().map(|on| graph.nodes[on].pair.clone()).collect();
        }
        extra.insert(step.pair.clone());
        steps.push(step);
    }
    // Starts that are not in the graph, sorted by pair.
    let mut others: Vec<Step> = starts.into_values().collect();
    others.sort_by(|a, b| a.pair.cmp(&b.pair));
    steps.extend(others);
    // A needed pair may be active and have its step already.
    steps.extend(kept.into_iter().filter(|step| !extra.contains(&step.pair)));
    Plan { steps }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Starts or is active: runs that need it wait for it.
    Awaited,
    Unseen,
    Held,
    Settled,
}

impl Fate {
    fn of(what: &Action) -> Self {
        match what {
            Action::Start | Action::Restart { .. } | Action::Recreate { .. } => Self::Awaited,
            Action::Keep(Kept::Running(_) | Kept::Queued(..) | Kept::Stopping(_)) | Action::Drifted { .. } => {
                Self::Awaited
            }
            Action::Unknown { .. } => Self::Unseen,
            Action::Held { .. } => Self::Held,
            _ => Self::Settled,
        }
    }
}

/// An unmet need is run again whatever its last end was, unless a person ended it.
fn pulled(seen: ObservedRun, options: UpOptions) -> Action {
    match seen {
        ObservedRun::Nothing => Action::Start,
        ObservedRun::Ended { run, end, reason, by_person, recent_restarts, .. } => {
            again_or_held(&run, end, reason.as_ref(), hold(by_person, recent_restarts), options)
        }
        ObservedRun::Unknown { run, why } => Action::Unknown { run: Some(run), why },
        ObservedRun::Active { run, state, .. } => Action::of_active(run.clone(), &state)
            .unwrap_or_else(|| Action::Unknown { run: Some(run), why: "it is ending".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::restart::Restart;
    use crate::model::run_state::{EndState, RunState};
    use crate::plan::diff::{OtherActive, WantedState, diff};
    use crate::plan::drift::Drift;
    use crate::plan::for_tests::{listed, modes, pair, run, tasks};
    use crate::plan::graph::Ordering;
    use crate::plan::wanted::Membership;

    const PRUNE: UpOptions = UpOptions { prune: true, recreate: false, watch: false };

    fn arranged(wanted: &[&str], options: UpOptions, seen: impl Fn(&Pair) -> ObservedRun) -> Vec<String> {
        let wanted: Vec<WantedState> = wanted
            .iter()
            .map(|text| WantedState { pair: pair(text), restart: Restart::Never, seen: seen(&pair(text)) })
            .collect();
        let orphan = OtherActive {
            pair: pair("old A"),
            run: run(7),
            state: RunState::Running,
            by_up: true,
            standing: Membership::Unwanted,
        };
        let plan = diff(&wanted, &[orphan], options);
        let set = tasks(vec![listed("A", None, &["B"]), listed("B", None, &[])]);
        let modes = modes(&["review: lint", "lint", "docs"]);
        let graph = Graph::build(&plan.starts(), &modes, &set, Ordering::WithinMode, |_| false).unwrap();
        let arranged = arrange(plan, &graph, options, seen);
        let line = |step: &Step| {
            let after: Vec<String> = step.after.iter().map(ToString::to_string).collect();
            format!("{}{step} [{}]", "  ".repeat(step.depth), after.join(", "))
        };
        arranged.steps.iter().map(line).collect()
    }

    #[test]
    fn stops_then_starts_in_order_then_the_rest() {
        let seen = |of: &Pair| match of.to_string().as_str() {
            "docs A" => ObservedRun::Ended {
                run: run(1),
                end: EndState::Lost,
                reason: None,
                by_person: false,
                never_started: false,
                recent_restarts: 0,
            },
            "lint A" => ObservedRun::Active {
                run: run(2),
                state: RunState::Running,
                by_up: true,
                drift: vec![Drift::of_field("argv")],
            },
            _ => ObservedRun::Nothing,
        };
        assert_eq!(
            arranged(&["docs A", "review A", "review B"], PRUNE, seen),
            [
                "stop old A (orphan: no entry of `runs` wants it) []",
                "start lint B (missing, needed by `review`) []",
                "  keep lint A (running, needed by `review`) []",
                "  start review B (missing) [lint B]",
                "    start review A (missing) [lint A, review B]",
                "keep docs A (lost) []",
            ]
        );
    }

    #[test]
    fn what_needs_the_unseen_is_not_started() {
        let seen = |of: &Pair| match of.to_string().as_str() {
            "lint A" => ObservedRun::Unknown { run: run(2), why: "tmux does not answer".to_owned() },
            _ => ObservedRun::Nothing,
        };
        assert_eq!(
            arranged(&["review A"], PRUNE, seen)[1..],
            [
                "unknown lint A (tmux does not answer, needed by `review`) []",
                "  unknown review A (it needs `lint`, which cannot be seen) []",
            ]
        );
    }

    #[test]
    fn in_watch_mode_a_need_that_a_person_stopped_holds_what_needs_it() {
        let seen = |of: &Pair| match of.to_string().as_str() {
            "lint A" => ObservedRun::Ended {
                run: run(2),
                end: EndState::Stopped,
                reason: None,
                by_person: true,
                never_started: false,
                recent_restarts: 0,
            },
            _ => ObservedRun::Nothing,
        };
        assert_eq!(
            arranged(&["review A"], UpOptions { watch: true, ..PRUNE }, seen)[1..],
            [
                "held lint A (stopped by a person; `up` starts it again, needed by `review`) []",
                "  held review A (it needs `lint`, which is held) []",
            ]
        );
        assert_eq!(
            arranged(&["review A"], PRUNE, seen)[1..],
            [
                "restart lint A (stopped by a person; held by `--watch`, needed by `review`) []",
                "  start review A (missing) [lint A]"
            ]
        );
    }

    fn any_seen() -> impl Strategy<Value = ObservedRun> {
        prop_oneof![
            Just(ObservedRun::Nothing),
            Just(ObservedRun::Active { run: run(1), state: RunState::Running, by_up: true, drift: vec![] }),
            Just(ObservedRun::Unknown { run: run(1), why: "not seen".to_owned() }),
            (0..EndState::ALL.len(), any::<bool>(), 0u32..8).prop_map(|(end, by_person, recent_restarts)| {
                ObservedRun::Ended {
                    run: run(1),
                    end: EndState::ALL[end],
                    reason: None,
                    by_person,
                    never_started: false,
                    recent_restarts,
                }
            }),
        ]
    }

    proptest! {
        #[test]
        fn no_start_is_lost_none_comes_before_what_it_waits_for_and_all_done_is_all_done(
            states in proptest::collection::vec(any_seen(), 12),
            restarts in proptest::collection::vec(0..Restart::ALL.len(), 12),
            (prune, watch) in any::<(bool, bool)>(),
        ) {
            let options = UpOptions { prune, watch, recreate: false };
            let modes = modes(&["ship: review", "review: lint", "lint"]);
            let set = tasks(vec![listed("A", None, &["B"]), listed("B", None, &[]), listed("C", None, &["A"]), listed("D", None, &[])]);
            let all: Vec<Pair> = ["ship", "review", "lint"].iter().flat_map(|m| ["A", "B", "C", "D"].map(|t| pair(&format!("{m} {t}")))).collect();
            let mut world: HashMap<Pair, ObservedRun> = all.iter().cloned().zip(states).collect();
            // Half of the pairs are wanted; the others are only needed.
            let wanted = |world: &HashMap<Pair, ObservedRun>| -> Vec<WantedState> {
                let take = all.iter().zip(&restarts).step_by(2);
                take.map(|(pair, r)| WantedState { pair: pair.clone(), restart: Restart::ALL[*r], seen: world[pair].clone() }).collect()
            };
            let met = |world: &HashMap<Pair, ObservedRun>, pair: &Pair| matches!(world[pair], ObservedRun::Ended { end: EndState::Succeeded, .. });
            let planned = |world: &HashMap<Pair, ObservedRun>| {
                let plan = diff(&wanted(world), &[], options);
                let requested = plan.starts();
                let graph = Graph::build(&requested, &modes, &set, Ordering::WithinMode, |pair| met(world, pair)).unwrap();
                (requested, arrange(plan, &graph, options, |pair| world[pair].clone()))
            };
            let (requested, plan) = planned(&world);
            let mut before: BTreeSet<&Pair> = BTreeSet::new();
            for step in &plan.steps {
                prop_assert!(!(matches!(world[&step.pair], ObservedRun::Unknown { .. }) && step.is_action()), "{step}");
                prop_assert!(step.after.iter().all(|pair| before.contains(pair)), "{step}");
                prop_assert!(before.insert(&step.pair), "{step} comes twice");
            }
            prop_assert!(requested.iter().all(|pair| before.contains(pair)));
            for step in plan.actions() {
                world.insert(step.pair.clone(), ObservedRun::Active { run: run(3), state: RunState::Running, by_up: true, drift: vec![] });
            }
            let (_, again) = planned(&world);
            prop_assert!(again.is_empty(), "{:?}", again.actions().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
}
