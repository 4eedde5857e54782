//! The order of a plan's actions: what is ended goes first, then the starts as their graph has
//! them, with what they pull; what is left alone comes last.

use std::collections::{BTreeSet, HashMap};

use crate::model::names::Pair;
use crate::plan::diff::{Plan, Seen};
use crate::plan::graph::{Graph, NodeWhy};
use crate::plan::step::{Kept, Step, What};

/// Orders `plan` by the graph of its starts. `seen` tells of a pair that a start pulls.
pub fn arrange(plan: Plan, graph: &Graph, mut seen: impl FnMut(&Pair) -> Seen) -> Plan {
    let (starts, rest): (Vec<Step>, Vec<Step>) = plan.steps.into_iter().partition(Step::is_start);
    let (mut steps, kept): (Vec<Step>, Vec<Step>) = rest.into_iter().partition(Step::is_action);
    let mut starts: HashMap<Pair, Step> = starts.into_iter().map(|step| (step.pair.clone(), step)).collect();
    // By node: what has become of it.
    let mut fates: Vec<Fate> = vec![Fate::Settled; graph.nodes.len()];
    let mut extra: BTreeSet<Pair> = BTreeSet::new();
    for (depth, index) in graph.tree() {
        let node = &graph.nodes[*index];
        let mut step = match starts.remove(&node.pair) {
            Some(step) => step,
            None => Step::new(node.pair.clone(), pulled(seen(&node.pair))),
        };
        if let NodeWhy::NeededBy(mode) = &node.why {
            step.needed_by = Some(mode.clone());
        }
        step.depth = *depth;
        let unseen = node.needs.iter().find(|need| fates[**need] == Fate::Unseen);
        if let Some(need) = unseen {
            let why = format!("it needs `{}`, which cannot be seen", graph.nodes[*need].pair.mode);
            step.what = What::Unknown { run: step.run().cloned(), why };
        }
        fates[*index] = Fate::of(&step.what);
        let mut waits: Vec<usize> = graph.after(*index).filter(|on| fates[*on] == Fate::Awaited).collect();
        waits.sort_unstable();
        waits.dedup();
        if step.is_start() {
            step.after = waits.into_iter().map(|on| graph.nodes[on].pair.clone()).collect();
        }
        extra.insert(step.pair.clone());
        steps.push(step);
    }
    // A start that the graph does not know is lost to nobody.
    let mut others: Vec<Step> = starts.into_values().collect();
    others.sort_by(|a, b| a.pair.cmp(&b.pair));
    steps.extend(others);
    // A pulled pair may be an active run that `diff` has spoken of already.
    steps.extend(kept.into_iter().filter(|step| !extra.contains(&step.pair)));
    Plan { steps }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It starts or is on its way: what needs it waits.
    Awaited,
    Unseen,
    Settled,
}

impl Fate {
    fn of(what: &What) -> Self {
        match what {
            What::Start | What::Restart { .. } | What::Recreate { .. } => Self::Awaited,
            What::Keep(Kept::Running(_) | Kept::Queued(..) | Kept::Stopping(_)) => Self::Awaited,
            What::Unknown { .. } => Self::Unseen,
            _ => Self::Settled,
        }
    }
}

/// A need that is not met runs again whatever its last end was.
fn pulled(seen: Seen) -> What {
    match seen {
        Seen::Nothing => What::Start,
        Seen::Ended { run, end, reason, .. } => What::Restart { last: run, end, reason },
        Seen::Unknown { run, why } => What::Unknown { run: Some(run), why },
        Seen::Active { run, state, .. } => What::of_active(run.clone(), &state)
            .unwrap_or_else(|| What::Unknown { run: Some(run), why: "it is ending".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::restart::Restart;
    use crate::model::run_state::{EndState, RunState};
    use crate::plan::diff::{Options, OtherActive, WantedState, diff};
    use crate::plan::for_tests::{listed, modes, pair, run, tasks};
    use crate::plan::wanted::Standing;

    fn arranged(wanted: &[&str], seen: impl Fn(&Pair) -> Seen) -> Vec<String> {
        let wanted: Vec<WantedState> = wanted
            .iter()
            .map(|text| WantedState { pair: pair(text), restart: Restart::Never, seen: seen(&pair(text)) })
            .collect();
        let orphan = OtherActive {
            pair: pair("old A"),
            run: run(7),
            state: RunState::Running,
            by_up: true,
            standing: Standing::Unwanted,
        };
        let plan = diff(&wanted, &[orphan], Options { prune: true, ..Options::default() });
        let set = tasks(vec![listed("A", None, &["B"]), listed("B", None, &[])]);
        let modes = modes(&["review: lint", "lint", "docs"]);
        let graph = Graph::build(&plan.starts(), &modes, &set, |_| false).unwrap();
        let arranged = arrange(plan, &graph, seen);
        let line = |step: &Step| {
            let after: Vec<String> = step.after.iter().map(ToString::to_string).collect();
            format!("{}{step} [{}]", "  ".repeat(step.depth), after.join(", "))
        };
        arranged.steps.iter().map(line).collect()
    }

    #[test]
    fn stops_then_starts_in_order_then_the_rest() {
        let seen = |of: &Pair| match of.to_string().as_str() {
            "docs A" => {
                Seen::Ended { run: run(1), end: EndState::Lost, reason: None, by_person: false, recent_restarts: 0 }
            }
            "lint A" => {
                Seen::Active { run: run(2), state: RunState::Running, by_up: true, drift: vec!["argv".to_owned()] }
            }
            _ => Seen::Nothing,
        };
        assert_eq!(
            arranged(&["docs A", "review A", "review B"], seen),
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
            "lint A" => Seen::Unknown { run: run(2), why: "tmux does not answer".to_owned() },
            _ => Seen::Nothing,
        };
        assert_eq!(
            arranged(&["review A"], seen)[1..],
            [
                "unknown lint A (tmux does not answer, needed by `review`) []",
                "  unknown review A (it needs `lint`, which cannot be seen) []",
            ]
        );
    }
}
