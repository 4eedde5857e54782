//! The groups of the board and the order of its tasks. Pure.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::model::task_status::TaskStatus;
use crate::serve::ui::board::{BoardTree, TaskOrder};
use crate::serve::ui::filter::{Filter, Grouping, Sorting};
use crate::view::task_view::TaskView;

/// Tasks under one heading; no heading without a name.
pub(super) struct BoardGroup<'a> {
    /// Distinguishes groups of the same name.
    pub(super) key: &'a str,
    pub(super) name: &'a str,
    pub(super) roots: Vec<&'a str>,
    /// The tasks below the roots are in groups of their own.
    pub(super) is_flat: bool,
}

pub(super) fn groups<'a>(tree: &BoardTree<'a>, filter: &Filter) -> Vec<BoardGroup<'a>> {
    let is_flat = filter.group != Grouping::Phase;
    let mut groups: Vec<BoardGroup<'a>> = Vec::new();
    let mut indexes: HashMap<&str, usize> = HashMap::new();
    let shown = if is_flat { &tree.matching } else { &tree.shown };
    let tasks = tree.catalog.tasks.iter().filter(|task| shown.contains(task.id.as_str()));
    for task in tasks.filter(|task| is_flat || tree.parent(&task.id).is_none()) {
        let (key, name) = group_of(tree, filter.group, task);
        let index = *indexes.entry(key).or_insert_with(|| {
            groups.push(BoardGroup { key, name, roots: Vec::new(), is_flat });
            groups.len() - 1
        });
        groups[index].roots.push(&task.id);
    }
    for group in &mut groups {
        sort(tree, filter, &mut group.roots);
    }
    match (filter.group, filter.sort) {
        (Grouping::Status, _) => groups.sort_by_key(|group| status_place(group.key)),
        (_, Sorting::Newest) => groups.sort_by_key(|group| group.roots.first().map(|root| newest(tree.order(root)))),
        (_, Sorting::Needs) => groups.sort_by_key(|group| group.roots.first().map(|root| urgent(tree.order(root)))),
        _ => {}
    }
    if !tree.gone.is_empty() {
        let (key, name) = ("gone", "No longer among the tasks");
        groups.insert(0, BoardGroup { key, name, roots: tree.gone.clone(), is_flat });
    }
    groups
}

/// Key and name of a task's group.
fn group_of<'a>(tree: &BoardTree<'a>, group: Grouping, task: &'a TaskView) -> (&'a str, &'a str) {
    let named = |name: &'a str, none: &'static str| if name.is_empty() { ("", none) } else { (name, name) };
    match group {
        Grouping::Phase => (task.phase.as_str(), task.phase.as_str()),
        Grouping::Parent => match tree.parent(&task.id).and_then(|id| tree.catalog.task(id)) {
            Some(parent) => (&parent.id, &parent.title),
            None => ("", "No parent"),
        },
        Grouping::Status => named(&task.status, "No status"),
        Grouping::Mode => named(tree.last_run(&task.id).map_or("", |run| run.mode.as_str()), "Never ran"),
        Grouping::Agent => match tree.last_run(&task.id) {
            Some(run) => named(run.agent.as_deref().unwrap_or_default(), "Agent not recorded"),
            None => ("never", "Never ran"),
        },
    }
}

fn sort(tree: &BoardTree<'_>, filter: &Filter, roots: &mut [&str]) {
    let title = |root: &&str| tree.catalog.task(root).map(|task| task.title.to_lowercase());
    let status = |root: &&str| tree.catalog.task(root).map(|task| status_place(&task.status));
    match filter.sort {
        Sorting::Newest => roots.sort_by_key(|root| newest(tree.order(root))),
        Sorting::Needs => roots.sort_by_key(|root| urgent(tree.order(root))),
        Sorting::Title => roots.sort_by_cached_key(title),
        Sorting::Status => roots.sort_by_key(status),
        Sorting::Task => {}
    }
}

fn newest(order: TaskOrder) -> impl Ord {
    (order.found_by, Reverse(order.last))
}

fn urgent(order: TaskOrder) -> impl Ord {
    (order.urgency, Reverse(order.last))
}

/// The place of a status in the order of `TaskStatus`; unknown ones last.
fn status_place(status: &str) -> usize {
    TaskStatus::ALL.iter().position(|known| known.as_str() == status).unwrap_or(usize::MAX)
}
