//! The board: all tasks grouped by phase and parent, by default with the latest activity first. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::model::names::{ModeName, Pair, TaskId};
use crate::serve::ui::badge::Badge;
use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::filter::Filter;
use crate::view::run_view::RunView;
use crate::view::task_view::TaskView;

/// The deepest indentation of a row.
const DEEPEST: usize = 4;
/// The built-in mode without a prompt; shown only where it ran.
pub(super) const PLAIN: &str = "none";

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
    Phase { name: &'a str, tasks: usize },
    Task(Box<BoardRow<'a>>),
}

/// A task and its badges.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BoardRow<'a> {
    pub(super) task: TaskShown<'a>,
    pub(super) depth: usize,
    /// Shown only because a task below it matches.
    pub(super) context: bool,
    pub(super) badges: Vec<Badge>,
    /// The badge that the buttons Stop, Attach and Log act on.
    pub(super) chief: Option<usize>,
}

/// A task, or the id of one that no longer exists.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum TaskShown<'a> {
    Known(&'a TaskView),
    Gone { id: &'a str, title: &'static str, gone: bool },
}

/// The last runs by task.
pub(super) type RunsByTask<'a> = HashMap<&'a str, Vec<&'a RunView>>;

pub(super) fn by_task(runs: &[RunView]) -> RunsByTask<'_> {
    let mut by_task: RunsByTask<'_> = HashMap::new();
    for run in runs {
        by_task.entry(&run.task).or_default().push(run);
    }
    by_task
}

/// The row of one task.
pub(super) fn row<'a>(catalog: &'a Catalog, runs: &RunsByTask<'a>, id: &'a str, depth: usize) -> BoardRow<'a> {
    let own = runs.get(id).map(Vec::as_slice).unwrap_or_default();
    let badges = badges(catalog, id, own);
    let task = match catalog.task(id) {
        Some(task) => TaskShown::Known(task),
        None => TaskShown::Gone { id, title: "no longer among the tasks", gone: true },
    };
    BoardRow { task, depth, context: false, chief: chief(&badges), badges }
}

/// A badge for each mode in the manifest's order, and for runs of modes that no longer exist.
fn badges(catalog: &Catalog, task: &str, runs: &[&RunView]) -> Vec<Badge> {
    let known = catalog.task(task).is_some();
    let mut badges = Vec::with_capacity(catalog.modes.len());
    let mut left: Vec<&RunView> = runs.to_vec();
    for mode in &catalog.modes {
        let Some(pair) = pair(&mode.name, task) else { continue };
        match left.iter().position(|run| run.mode == mode.name) {
            Some(at) => badges.push(Badge::of(left.remove(at), catalog.is_fresh(&pair))),
            None if known && mode.name != PLAIN => badges.push(Badge::never(&pair, mode.interactive)),
            None => {}
        }
    }
    badges.extend(left.into_iter().map(|run| Badge::of(run, false)));
    badges
}

pub(super) fn pair(mode: &str, task: &str) -> Option<Pair> {
    Some(Pair { mode: ModeName::parse(mode).ok()?, task: TaskId::parse(task).ok()? })
}

/// By priority: waits for the user, runs, is queued, ended last.
fn chief(badges: &[Badge]) -> Option<usize> {
    let ran = badges.iter().enumerate().filter(|(_, badge)| badge.run.is_some());
    ran.max_by_key(|(_, badge)| (badge.needs, badge.running, badge.active, badge.since)).map(|(at, _)| at)
}

/// The part of the board that `filter` selects.
pub(super) fn board<'a>(catalog: &'a Catalog, runs: &RunsByTask<'a>, filter: &Filter) -> Board<'a> {
    let tree = BoardTree::new(catalog, runs, filter);
    let mut board = Board { found: tree.found, ..Board::default() };
    let mut at = 0;
    for (phase, roots) in tree.phases() {
        let tasks = roots.iter().map(|root| tree.matching_below(root)).sum();
        let mut heading = Some(BoardLine::Phase { name: phase, tasks });
        for (id, depth) in roots.iter().flat_map(|root| tree.lines(root)) {
            let is_here = at >= filter.from && board.next.is_none();
            at += 1;
            if !is_here {
                continue;
            }
            if at > filter.from + filter.count {
                board.next = Some(at - 1);
                continue;
            }
            board.lines.extend(heading.take().filter(|_| !phase.is_empty()));
            let mut row = row(catalog, runs, id, depth);
            row.context = !tree.matching.contains(id);
            board.lines.push(BoardLine::Task(Box::new(row)));
        }
    }
    board
}

/// The shown tasks as a forest.
struct BoardTree<'a> {
    catalog: &'a Catalog,
    by_task: bool,
    matching: HashSet<&'a str>,
    found: usize,
    /// Matching tasks and all tasks above them.
    shown: HashSet<&'a str>,
    /// The latest activity of a task or of one below it.
    at: HashMap<&'a str, Timestamp>,
    /// Tasks that no longer exist and have active runs.
    gone: Vec<&'a str>,
}

impl<'a> BoardTree<'a> {
    fn new(catalog: &'a Catalog, runs: &RunsByTask<'a>, filter: &Filter) -> Self {
        let mut tree = Self {
            catalog,
            by_task: filter.sort == "task",
            matching: HashSet::new(),
            found: 0,
            shown: HashSet::new(),
            at: HashMap::new(),
            gone: Vec::new(),
        };
        for task in &catalog.tasks {
            let own = runs.get(task.id.as_str()).map(Vec::as_slice).unwrap_or_default();
            let badges = if filter.is_open() { Vec::new() } else { badges(catalog, &task.id, own) };
            if !filter.is_open() && !filter.matches(task, &badges) {
                continue;
            }
            tree.matching.insert(&task.id);
            let last = own.iter().map(|run| run.ended_at.or(run.started_at).unwrap_or(run.created_at)).max();
            tree.show(&task.id, last);
        }
        let is_gone = |(id, runs): &(&&'a str, &Vec<&RunView>)| {
            catalog.task(id).is_none() && runs.iter().any(|run| run.ended_at.is_none())
        };
        if filter.is_open() || filter.needs || !filter.state.is_empty() {
            tree.gone = runs.iter().filter(is_gone).map(|(id, _)| *id).collect();
            tree.gone.sort_unstable();
        }
        tree.matching.extend(&tree.gone);
        tree.found = tree.matching.len();
        tree
    }

    /// Shows a task and the tasks above it. A cycle of parents is followed once.
    fn show(&mut self, id: &'a str, last: Option<Timestamp>) {
        let mut next = Some(id);
        let mut seen = HashSet::new();
        while let Some(id) = next.filter(|id| seen.insert(*id)) {
            self.shown.insert(id);
            if let Some(last) = last {
                let at = self.at.entry(id).or_insert(last);
                *at = (*at).max(last);
            }
            next = self.parent(id);
        }
    }

    fn parent(&self, id: &str) -> Option<&'a str> {
        self.catalog.task(id).and_then(|task| task.parent.as_deref()).filter(|id| self.catalog.task(id).is_some())
    }

    /// The phases with their top-level tasks.
    fn phases(&self) -> Vec<(&'a str, Vec<&'a str>)> {
        let mut phases: Vec<(&'a str, Vec<&'a str>)> = Vec::new();
        let mut indexes: BTreeMap<&str, usize> = BTreeMap::new();
        for task in &self.catalog.tasks {
            if !self.shown.contains(task.id.as_str()) || self.parent(&task.id).is_some() {
                continue;
            }
            let index = *indexes.entry(&task.phase).or_insert_with(|| {
                phases.push((&task.phase, Vec::new()));
                phases.len() - 1
            });
            phases[index].1.push(&task.id);
        }
        let last = |id: &&str| Reverse(self.at.get(id).copied());
        if !self.by_task {
            phases.iter_mut().for_each(|(_, roots)| roots.sort_by_key(last));
            phases.sort_by_key(|(_, roots)| roots.first().map(last));
        }
        if !self.gone.is_empty() {
            phases.insert(0, ("No longer among the tasks", self.gone.clone()));
        }
        phases
    }

    /// A task and the shown tasks below it, in run order.
    fn lines(&self, root: &'a str) -> Vec<(&'a str, usize)> {
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

    fn matching_below(&self, root: &'a str) -> usize {
        self.lines(root).iter().filter(|(id, _)| self.matching.contains(id)).count()
    }
}
