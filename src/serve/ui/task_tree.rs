//! The tasks above a task, below it, and those that depend on it. Pure.

use crate::model::task_tree::{self, TreeStep, TreeTask};
use crate::serve::ui::catalog::Catalog;
use crate::view::task_view::TaskView;

/// At most this many tasks below one are shown.
const MOST_BELOW: usize = 500;

/// All tasks below one in run order, and the number of those left out.
pub(super) fn below<'a>(catalog: &'a Catalog, task: &'a TaskView) -> (Vec<TreeStep<'a>>, usize) {
    let look = |id: &str| {
        let task = catalog.task(id)?;
        let ids = |ids: &'a [String]| ids.iter().map(String::as_str).collect();
        Some(TreeTask { subtasks: ids(&task.subtasks), depends_on: ids(&task.depends_on), order: task.order })
    };
    let mut steps = task_tree::below(&task.id, &look);
    let left = steps.len().saturating_sub(MOST_BELOW);
    steps.truncate(MOST_BELOW);
    (steps, left)
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
