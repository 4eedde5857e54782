//! A row of the board: a task, the badges of its modes, and what its buttons act on. Pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use crate::model::names::{ModeName, Pair, TaskId};
use crate::serve::ui::catalog::Catalog;
use crate::view::badge::Badge;
use crate::view::run_view::RunView;
use crate::view::task_view::TaskView;

/// The built-in mode without a prompt; shown only where it ran.
pub(super) const PLAIN: &str = "none";
/// Badges in one row.
const SHOWN: usize = 4;

/// A task and its badges.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BoardRow<'a> {
    pub(super) task: TaskShown<'a>,
    pub(super) depth: usize,
    /// Shown only because a task below it matches.
    pub(super) context: bool,
    /// Of the modes that ran and of those that are next by the plan; what is live comes first.
    pub(super) badges: Vec<Badge>,
    /// How many of them the row shows.
    pub(super) shown: usize,
    /// The other modes.
    pub(super) rest: Vec<String>,
    /// The badge that the buttons Stop, Attach and Log act on.
    pub(super) chief: Option<usize>,
    pub(super) main: RowAction,
    /// Why the last failure happened; empty if nothing failed.
    pub(super) failure: String,
}

/// The main button of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum RowAction {
    Approve,
    Answer,
    Log,
    Run,
}

/// A task, or the id of one that no longer exists.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum TaskShown<'a> {
    Known(&'a TaskView),
    Gone { id: &'a str, title: &'static str, gone: bool },
}

/// The last runs by task.
#[derive(Debug, Default)]
pub(super) struct RunsByTask<'a> {
    by_task: HashMap<&'a str, Vec<&'a RunView>>,
    /// Ids of the failed and lost runs whose page has not been opened since.
    unseen: Arc<HashSet<String>>,
}

pub(super) fn by_task(runs: &[RunView]) -> RunsByTask<'_> {
    by_task_unseen(runs, Arc::default())
}

pub(super) fn by_task_unseen(runs: &[RunView], unseen: Arc<HashSet<String>>) -> RunsByTask<'_> {
    let mut by_task: HashMap<&str, Vec<&RunView>> = HashMap::new();
    for run in runs {
        by_task.entry(&run.task).or_default().push(run);
    }
    RunsByTask { by_task, unseen }
}

impl<'a> RunsByTask<'a> {
    pub(super) fn of(&self, task: &str) -> &[&'a RunView] {
        self.by_task.get(task).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &[&'a RunView])> {
        self.by_task.iter().map(|(task, runs)| (*task, runs.as_slice()))
    }

    pub(super) fn is_unseen(&self, run: &RunView) -> bool {
        self.unseen.contains(&run.run_id)
    }
}

/// The row of one task.
pub(super) fn row<'a>(catalog: &'a Catalog, runs: &RunsByTask<'a>, id: &'a str, depth: usize) -> BoardRow<'a> {
    let (badges, mut rest) = badges(catalog, id, runs);
    let task = match catalog.task(id) {
        Some(task) => TaskShown::Known(task),
        None => TaskShown::Gone { id, title: "no longer among the tasks", gone: true },
    };
    rest.splice(0..0, badges.iter().skip(SHOWN).map(|badge| badge.mode.clone()));
    let chief = chief(&badges);
    let main = main_action(chief.and_then(|at| badges.get(at)));
    let failure = failure(catalog, &badges);
    BoardRow { task, depth, context: false, shown: badges.len().min(SHOWN), rest, chief, main, failure, badges }
}

/// The badges of a row in order, and the names of the modes that have none.
pub(super) fn badges(catalog: &Catalog, task: &str, runs: &RunsByTask<'_>) -> (Vec<Badge>, Vec<String>) {
    let (mut badges, mut rest) = (Vec::new(), Vec::new());
    let known = catalog.task(task).is_some();
    let mut left: Vec<&RunView> = runs.of(task).to_vec();
    let of = |run: &RunView, fresh| Badge { unseen: runs.is_unseen(run), ..Badge::of(run, fresh) };
    for mode in &catalog.modes {
        let Some(pair) = pair(&mode.name, task) else { continue };
        match left.iter().position(|run| run.mode == mode.name) {
            Some(at) => badges.push(of(left.remove(at), catalog.is_fresh(&pair))),
            None if !known || mode.name == PLAIN => {}
            None if catalog.is_next(&pair) => badges.push(Badge::never(&pair, mode.interactive)),
            None => rest.push(mode.name.clone()),
        }
    }
    badges.extend(left.into_iter().map(|run| of(run, false)));
    badges.sort_by_key(|badge| (!badge.needs, !badge.active, !badge.unseen, badge.run.is_none()));
    (badges, rest)
}

pub(super) fn pair(mode: &str, task: &str) -> Option<Pair> {
    Some(Pair { mode: ModeName::parse(mode).ok()?, task: TaskId::parse(task).ok()? })
}

/// By priority: waits for the user, runs, is queued, failed unseen, ended last.
fn chief(badges: &[Badge]) -> Option<usize> {
    let ran = badges.iter().enumerate().filter(|(_, badge)| badge.run.is_some());
    ran.max_by_key(|(_, badge)| (badge.needs, badge.running, badge.active, badge.unseen, badge.since)).map(|(at, _)| at)
}

fn main_action(chief: Option<&Badge>) -> RowAction {
    match chief {
        Some(badge) if badge.gate => RowAction::Approve,
        Some(badge) if badge.needs => RowAction::Answer,
        Some(badge) if badge.active || badge.unseen => RowAction::Log,
        _ => RowAction::Run,
    }
}

/// Why the latest failed badge failed, with paths relative to the project.
fn failure(catalog: &Catalog, badges: &[Badge]) -> String {
    let last = badges.iter().filter(|badge| badge.is_failure()).max_by_key(|badge| badge.since);
    last.map_or_else(String::new, |badge| {
        let why = if badge.reason.is_empty() { &badge.word } else { &badge.reason };
        catalog.without_root(why)
    })
}
