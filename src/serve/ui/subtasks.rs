//! The tasks below a task as rows in run order, each with its last run, its answer and its cost. Pure.

use serde::Serialize;

use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::row::{self, RunsByTask};
use crate::serve::ui::run_line::RunLine;
use crate::serve::ui::task_tree;
use crate::view::badge::Badge;
use crate::view::run_view::RunView;
use crate::view::task_view::TaskView;

/// The deepest indentation of a row.
const DEEPEST: usize = 6;
/// Characters of an answer, and of its first line.
const ANSWER: usize = 4000;
const FIRST_LINE: usize = 160;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubtaskTree<'a> {
    pub(super) rows: Vec<SubtaskRow<'a>>,
    /// Tasks below it that are not shown.
    pub(super) left: usize,
    /// Leaves with a mode of their own, and leaves without.
    own_mode: usize,
    any_mode: usize,
    active: usize,
    modes: Vec<&'a str>,
    proposed: Option<&'a str>,
    cost: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubtaskRow<'a> {
    pub(super) id: &'a str,
    /// `None`: no longer among the tasks.
    task: Option<&'a TaskView>,
    depth: usize,
    parallel: usize,
    leaf: bool,
    depends_on: &'a [String],
    /// The run that counts for the task: the last one in its own mode, else in any.
    run: Option<RunLine>,
    /// That run, and others that are active.
    badges: Vec<Badge>,
    answer: Option<ShownAnswer>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownAnswer {
    first: String,
    text: String,
    cut: bool,
}

pub(super) fn tree<'a>(catalog: &'a Catalog, runs: &RunsByTask<'a>, top: &'a TaskView) -> SubtaskTree<'a> {
    let (steps, left) = task_tree::below(catalog, top);
    let mut costs: Vec<f64> = Vec::new();
    let mut rows = Vec::with_capacity(steps.len());
    for step in steps {
        let task = catalog.task(step.id);
        let own = runs.of(step.id);
        let declared = task.and_then(|task| task.mode.as_deref());
        let is_own = |run: &&&RunView| declared.is_none_or(|mode| mode == run.mode);
        let last = own.iter().filter(is_own).max_by_key(|run| &run.run_id).copied();
        let others =
            own.iter().filter(|run| run.ended_at.is_none() && last.is_none_or(|last| last.run_id != run.run_id));
        let badge = |run: &RunView| {
            let is_fresh = row::pair(&run.mode, &run.task).is_some_and(|pair| catalog.is_fresh(&pair));
            Badge::of(run, is_fresh)
        };
        costs.extend(last.and_then(|run| run.cost_usd));
        rows.push(SubtaskRow {
            id: step.id,
            task,
            depth: step.depth.min(DEEPEST),
            parallel: step.parallel,
            leaf: step.leaf,
            depends_on: task.map(|task| task.depends_on.as_slice()).unwrap_or_default(),
            run: last.map(RunLine::of),
            badges: last.into_iter().chain(others.copied()).map(badge).collect(),
            answer: last.and_then(|run| run.answer.as_deref()).and_then(ShownAnswer::of),
        });
    }
    let leaves = |is_own: bool| {
        let is_declared = |row: &SubtaskRow<'_>| row.task.is_some_and(|task| task.mode.is_some());
        rows.iter().filter(|row| row.leaf && row.task.is_some() && is_declared(row) == is_own).count()
    };
    let total = (!costs.is_empty()).then(|| costs.iter().sum::<f64>());
    SubtaskTree {
        own_mode: leaves(true),
        any_mode: leaves(false),
        active: rows.iter().flat_map(|row| &row.badges).filter(|badge| badge.active).count(),
        modes: catalog.modes.iter().map(|mode| mode.name.as_str()).filter(|name| *name != row::PLAIN).collect(),
        proposed: proposed(catalog, runs, &rows),
        cost: total.map(|total| format!("${total:.2}")).unwrap_or_default(),
        rows,
        left,
    }
}

/// The mode to propose for subtasks without one: the headless mode that ran last on one of them, else the first one.
fn proposed<'a>(catalog: &'a Catalog, runs: &RunsByTask<'a>, rows: &[SubtaskRow<'a>]) -> Option<&'a str> {
    let modes = || catalog.modes.iter().filter(|mode| mode.name != row::PLAIN);
    let below = rows.iter().flat_map(|row| runs.of(row.id));
    let last = below.filter(|run| run.form.is_job()).max_by_key(|run| &run.run_id);
    if let Some(mode) = last.and_then(|last| modes().find(|mode| mode.name == last.mode)) {
        return Some(&mode.name);
    }
    modes().find(|mode| !mode.interactive).or_else(|| modes().next()).map(|mode| mode.name.as_str())
}

impl ShownAnswer {
    fn of(answer: &str) -> Option<Self> {
        let text: String = answer.chars().take(ANSWER).collect();
        let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
        let mut first: String = line.chars().take(FIRST_LINE).collect();
        if first.len() < line.len() {
            first.push('…');
        }
        Some(Self { first, cut: text.len() < answer.len(), text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_bounded_and_has_a_first_line() {
        assert_eq!(ShownAnswer::of(" \n\n"), None);
        let shown = ShownAnswer::of("\n  one\ntwo").unwrap();
        assert_eq!((shown.first.as_str(), shown.cut), ("one", false));
        let shown = ShownAnswer::of(&"é".repeat(ANSWER + 1)).unwrap();
        assert_eq!(
            (shown.first.chars().count(), shown.text.chars().count(), shown.cut),
            (FIRST_LINE + 1, ANSWER, true)
        );
    }
}
