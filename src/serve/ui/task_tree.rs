//! The tasks above a task, below it, and those that depend on it. Pure.

use std::collections::HashSet;

use crate::serve::ui::catalog::Catalog;
use crate::view::task_view::TaskView;

/// The deepest indentation of a row.
const DEEPEST: usize = 6;
/// At most this many tasks below one are shown.
const MOST_BELOW: usize = 500;

/// A task below another.
#[derive(Debug, PartialEq)]
pub(super) struct TreeStep<'a> {
    pub(super) id: &'a str,
    pub(super) depth: usize,
    /// The number of tasks that may run in parallel, on the first of them; else 0.
    pub(super) parallel: usize,
}

/// All tasks below one in run order, and the number of those left out. Each task is listed once, also in a cycle.
pub(super) fn below<'a>(catalog: &'a Catalog, task: &'a TaskView) -> (Vec<TreeStep<'a>>, usize) {
    let mut steps = Vec::new();
    let mut left = 0;
    let mut seen: HashSet<&str> = HashSet::from([task.id.as_str()]);
    let mut open: Vec<TreeStep<'_>> = siblings(catalog, &task.subtasks, 0);
    open.reverse();
    while let Some(step) = open.pop() {
        let TreeStep { id, depth, .. } = step;
        if !seen.insert(id) {
            continue;
        }
        if steps.len() < MOST_BELOW {
            steps.push(step);
        } else {
            left += 1;
        }
        if let Some(task) = catalog.task(id) {
            open.extend(siblings(catalog, &task.subtasks, (depth + 1).min(DEEPEST)).into_iter().rev());
        }
    }
    (steps, left)
}

/// The tasks directly below one. Consecutive tasks of equal order may run in parallel.
fn siblings<'a>(catalog: &'a Catalog, ids: &'a [String], depth: usize) -> Vec<TreeStep<'a>> {
    let number = |id: &String| catalog.task(id).and_then(|task| task.order);
    let groups = ids.chunk_by(|a, b| number(a).is_some() && number(a) == number(b));
    let mut steps = Vec::new();
    for group in groups {
        for (at, id) in group.iter().enumerate() {
            let parallel = if at == 0 && group.len() > 1 { group.len() } else { 0 };
            steps.push(TreeStep { id: id.as_str(), depth, parallel });
        }
    }
    steps
}

/// The parents of a task, outermost first.
pub(super) fn parents<'a>(catalog: &'a Catalog, task: &'a TaskView) -> Vec<&'a TaskView> {
    let mut parents: Vec<&TaskView> = Vec::new();
    let mut next = task.parent.as_deref();
    while let Some(parent) = next.and_then(|id| catalog.task(id)) {
        if parent.id == task.id || parents.iter().any(|known| known.id == parent.id) {
            break;
        }
        parents.push(parent);
        next = parent.parent.as_deref();
    }
    parents.reverse();
    parents
}

/// The tasks that depend on one.
pub(super) fn needed_by<'a>(catalog: &'a Catalog, id: &str) -> Vec<&'a str> {
    let needs = catalog.tasks.iter().filter(|task| task.depends_on.iter().any(|other| other == id));
    needs.map(|task| task.id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn catalog() -> Catalog {
        let task = |id: &str, order: u32, parent: &str, subtasks: &[&str], needs: &[&str]| {
            json!({
                "id": id, "title": id, "order": order, "parent": parent, "subtasks": subtasks, "dependsOn": needs,
            })
        };
        Catalog::new(serde_json::from_value(json!({
            "project": { "name": "x" }, "modes": [], "problems": [], "broken": null, "fresh": [], "tracks": false,
            "tasks": [
                task("P", 0, "Q", &["A", "B", "C", "D"], &[]), task("A", 1, "P", &[], &["D"]),
                task("B", 2, "P", &["B1", "B2"], &[]), task("C", 2, "P", &["P"], &["A"]), task("B1", 1, "B", &[], &[]),
                task("B2", 1, "B", &["gone"], &[]), task("D", 3, "P", &[], &[]), task("Q", 0, "P", &["P"], &[]),
            ],
        })).unwrap())
    }

    #[test]
    fn what_is_below_comes_in_run_order_and_once() {
        let catalog = catalog();
        let (steps, left) = below(&catalog, catalog.task("P").unwrap());
        let steps: Vec<_> = steps.iter().map(|step| (step.id, step.depth, step.parallel)).collect();
        let expected = [("A", 0, 0), ("B", 0, 2), ("B1", 1, 2), ("B2", 1, 0), ("gone", 2, 0), ("C", 0, 0), ("D", 0, 0)];
        assert_eq!((steps.as_slice(), left), (&expected[..], 0));
    }

    #[test]
    fn a_circle_of_parents_ends_where_it_began() {
        let catalog = catalog();
        let above = |id| -> Vec<&str> {
            parents(&catalog, catalog.task(id).unwrap()).iter().map(|task| task.id.as_str()).collect()
        };
        assert_eq!(above("B1"), ["Q", "P", "B"]);
        assert_eq!(above("P"), ["Q"]);
        assert_eq!((needed_by(&catalog, "D"), needed_by(&catalog, "B")), (vec!["A"], vec![]));
    }
}
