//! The board: all tasks in groups, by default by phase and parent with the latest activity first. Pure.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::filter::{Filter, Grouping};
use crate::serve::ui::groups;
use crate::serve::ui::row::{self, BoardRow, RunsByTask};
use crate::view::run_view::RunView;

/// The deepest indentation of a row.
const DEEPEST: usize = 4;

/// The requested part of the board.
#[derive(Debug, Default, Serialize)]
pub(super) struct Board<'a> {
    pub(super) lines: Vec<BoardLine<'a>>,
    /// Tasks that match the filter in the whole board.
    pub(super) found: usize,
    /// The number of the first row that follows this part.
    pub(super) next: Option<usize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub(super) enum BoardLine<'a> {
    Phase { key: &'a str, name: &'a str, tasks: usize },
    Task(Box<BoardRow<'a>>),
}

/// The part of the board that `filter` selects.
pub(super) fn board<'a>(catalog: &'a Catalog, runs: &RunsByTask<'a>, filter: &Filter) -> Board<'a> {
    let tree = BoardTree::new(catalog, runs, filter);
    let mut board = Board { found: tree.matching.len(), ..Board::default() };
    let mut at = 0;
    for group in groups::groups(&tree, filter) {
        let tasks = group.roots.iter().map(|root| tree.matching_below(root, group.is_flat)).sum();
        let heading = BoardLine::Phase { key: group.key, name: group.name, tasks };
        let mut heading = Some(heading).filter(|_| !group.name.is_empty());
        for (id, depth) in group.roots.iter().flat_map(|root| tree.lines(root, group.is_flat)) {
            let is_here = at >= filter.from && board.next.is_none();
            at += 1;
            if !is_here {
                continue;
            }
            if at > filter.from + filter.count {
                board.next = Some(at - 1);
                continue;
            }
            board.lines.extend(heading.take());
            let mut row = row::row(catalog, runs, id, depth);
            row.context = !tree.matching.contains(id);
            board.lines.push(BoardLine::Task(Box::new(row)));
        }
    }
    board
}

/// What orders tasks: the best of a task and of those below it, or of the task alone where it stands alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskOrder {
    /// 0: found by id, title or tag; 1: by another field.
    pub(super) found_by: u8,
    /// 0: needs the user; 1: active; 2: neither.
    pub(super) urgency: u8,
    /// The latest activity.
    pub(super) last: Option<Timestamp>,
}

const NOTHING: TaskOrder = TaskOrder { found_by: u8::MAX, urgency: u8::MAX, last: None };

/// The shown tasks as a forest.
pub(super) struct BoardTree<'a> {
    pub(super) catalog: &'a Catalog,
    last_runs: HashMap<&'a str, &'a RunView>,
    pub(super) matching: HashSet<&'a str>,
    /// Matching tasks and all tasks above them.
    pub(super) shown: HashSet<&'a str>,
    orders: HashMap<&'a str, TaskOrder>,
    /// Tasks that no longer exist and have active runs.
    pub(super) gone: Vec<&'a str>,
}

impl<'a> BoardTree<'a> {
    fn new(catalog: &'a Catalog, runs: &RunsByTask<'a>, filter: &Filter) -> Self {
        let mut tree = Self {
            catalog,
            last_runs: HashMap::new(),
            matching: HashSet::new(),
            shown: HashSet::new(),
            orders: HashMap::new(),
            gone: Vec::new(),
        };
        for task in &catalog.tasks {
            let badges = if filter.asks_for_runs() { row::badges(catalog, &task.id, runs).0 } else { Vec::new() };
            let Some(found_by) = filter.finds(task, &badges) else { continue };
            tree.matching.insert(&task.id);
            let own = runs.of(&task.id);
            if let Some(last) = own.iter().max_by_key(|run| (run.ended_at.is_none(), active_at(run))) {
                tree.last_runs.insert(&task.id, last);
            }
            let urgency = own.iter().map(|run| urgency(run, runs)).min().unwrap_or(2);
            let order = TaskOrder { found_by, urgency, last: own.iter().map(|run| active_at(run)).max() };
            if filter.group == Grouping::Phase {
                tree.show(&task.id, order);
            } else {
                tree.orders.insert(&task.id, order);
            }
        }
        if filter.is_open() || filter.needs || !filter.state.is_empty() {
            let is_active = |runs: &[&RunView]| runs.iter().any(|run| run.ended_at.is_none());
            let gone = runs.iter().filter(|(id, runs)| catalog.task(id).is_none() && is_active(runs));
            tree.gone = gone.map(|(id, _)| id).collect();
            tree.gone.sort_unstable();
        }
        tree.matching.extend(&tree.gone);
        tree
    }

    /// Shows a task and the tasks above it. A cycle of parents is followed once.
    fn show(&mut self, id: &'a str, order: TaskOrder) {
        let mut next = Some(id);
        let mut seen = HashSet::new();
        while let Some(id) = next.filter(|id| seen.insert(*id)) {
            self.shown.insert(id);
            let known = self.orders.entry(id).or_insert(NOTHING);
            *known = TaskOrder {
                found_by: known.found_by.min(order.found_by),
                urgency: known.urgency.min(order.urgency),
                last: known.last.max(order.last),
            };
            next = self.parent(id);
        }
    }

    pub(super) fn order(&self, id: &str) -> TaskOrder {
        self.orders.get(id).copied().unwrap_or(NOTHING)
    }

    /// The active run of a task, else the one that ended last.
    pub(super) fn last_run(&self, id: &str) -> Option<&'a RunView> {
        self.last_runs.get(id).copied()
    }

    pub(super) fn parent(&self, id: &str) -> Option<&'a str> {
        self.catalog.task(id).and_then(|task| task.parent.as_deref()).filter(|id| self.catalog.task(id).is_some())
    }

    /// A task and the shown tasks below it, in run order; `is_flat`: the task alone.
    fn lines(&self, root: &'a str, is_flat: bool) -> Vec<(&'a str, usize)> {
        if is_flat {
            return vec![(root, 0)];
        }
        let mut lines = Vec::new();
        let mut open = vec![(root, 0)];
        let mut seen = HashSet::new();
        while let Some((id, depth)) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            lines.push((id, depth.min(DEEPEST)));
            let below = self.catalog.task(id).map(|task| task.subtasks.as_slice()).unwrap_or_default();
            let shown = below.iter().rev().filter(|id| self.shown.contains(id.as_str()));
            open.extend(shown.map(|id| (id.as_str(), depth + 1)));
        }
        lines
    }

    fn matching_below(&self, root: &'a str, is_flat: bool) -> usize {
        self.lines(root, is_flat).iter().filter(|(id, _)| self.matching.contains(id)).count()
    }
}

fn active_at(run: &RunView) -> Timestamp {
    run.ended_at.or(run.started_at).unwrap_or(run.created_at)
}

fn urgency(run: &RunView, runs: &RunsByTask<'_>) -> u8 {
    let waits = run.waiting_for == Some("gate") || (run.running && run.activity == Some("waiting"));
    match run.ended_at {
        None if waits => 0,
        None => 1,
        Some(_) if runs.is_unseen(run) => 0,
        Some(_) => 2,
    }
}
