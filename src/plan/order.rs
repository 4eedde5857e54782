//! Checks that `depends_on` and `NN_` together have no cycle. Pure.

use std::collections::BTreeMap;

use crate::model::cycles;
use crate::model::names::{ModeName, Pair};
use crate::model::problem::Problem;
use crate::plan::graph::{Graph, Ordering};
use crate::tasks::TaskSet;

/// The problem that `check` reports for such a cycle.
pub fn order_problem(tasks: &TaskSet) -> Option<Problem> {
    let mode = ModeName::parse("none").ok()?;
    let pairs: Vec<Pair> =
        tasks.tasks().iter().map(|task| Pair { mode: mode.clone(), task: task.id.clone() }).collect();
    let circle = Graph::build(&pairs, &BTreeMap::new(), tasks, Ordering::WithinMode, |_| true).err()?;
    let names = cycles::shown(circle.iter().map(|pair| pair.task.as_str()).collect());
    let problem = Problem::error(format!("`depends_on` and `NN_` run in a circle: {names}"))
        .hint("each waits for the next; renumber one, or remove a dependency");
    Some(match circle.first().and_then(|pair| tasks.get(&pair.task)?.path.as_ref()) {
        Some(path) => problem.in_file(path),
        None => problem,
    })
}
