//! What the tasks below a task have come to: the last run of each with its answer and cost, and the changes of the
//! worktrees. Starts nothing; git reads the worktrees.

use crate::lifecycle::failure::Failure;
use crate::lifecycle::project::task_steps::task_steps;
use crate::lifecycle::project::{Project, project_store, show};
use crate::lifecycle::summary::tree_progress::{last_runs, tree_progress};
use crate::lifecycle::worktree::{diff, work};
use crate::model::run::Run;
use crate::os::clock;
use crate::tasks::{Task, TaskSet};
use crate::view::results_view::{ResultsView, StepResult, WorktreeChanges};
use crate::view::run_view::RunView;
use crate::view::task_view::TaskView;

/// Tasks at most; the others are counted.
const STEPS: usize = 500;
/// Bytes of all answers together, and of one.
const ANSWERS: usize = 8 << 20;
const ANSWER: usize = 64 << 10;
/// Worktrees that git compares, and files of each, at most.
const WORKTREES: usize = 50;
const FILES: usize = 200;

/// The results below the task `typed`. Fails if there is no such task, or nothing is below it.
pub fn tree_results(project: &Project, typed: &str) -> Result<ResultsView, Failure> {
    let tasks = project.tasks();
    let top = tasks.find(typed)?;
    let store = project_store::find(project)?;
    let last = last_runs(&tasks, store.as_ref())?;
    let progress = tree_progress(&tasks, store.as_ref(), top)?.map(show::progress);
    let steps = task_steps(&tasks, top);
    let left = steps.len().saturating_sub(STEPS);
    let mut changes = ChangeList::default();
    let mut room = ANSWERS;
    let results: Vec<StepResult> = steps
        .into_iter()
        .take(STEPS)
        .map(|(task, step)| {
            let run = last.get(&task.id);
            let worktree = run.and_then(|_| changes.of(project, &tasks, task));
            StepResult { depth: step.depth, worktree, ..result(task, run, &mut room) }
        })
        .collect();
    let costs = results.iter().filter_map(|step| step.cost_usd);
    let cost_usd = costs.reduce(|sum, cost| sum + cost);
    let (task, title, worktrees) = (top.id.to_string(), top.title.clone(), changes.0);
    Ok(ResultsView { task, title, progress, cost_usd, steps: results, left, worktrees })
}

fn result(task: &Task, run: Option<&Run>, room: &mut usize) -> StepResult {
    let TaskView { id, title, status, depends_on, mode, .. } = TaskView::new(task);
    let about = StepResult { task: id, title, status, depends_on, mode, ..StepResult::default() };
    let Some(run) = run else { return about };
    let view = RunView::new(run, clock::now());
    let whole = view.answer.unwrap_or_default();
    let most = ANSWER.min(*room).min(whole.len());
    let end = (0..=most).rev().find(|end| whole.is_char_boundary(*end)).unwrap_or(0);
    let answer = whole[..end].to_owned();
    *room -= answer.len();
    StepResult {
        mode: Some(view.mode),
        run_id: Some(view.run_id),
        outcome: Some(view.state.to_owned()),
        reason: view.reason,
        answer_cut: answer.len() < whole.len(),
        answer: (!answer.is_empty()).then_some(answer),
        cost_usd: view.cost_usd,
        ended_at: view.ended_at,
        duration_ms: view.duration_ms,
        ..about
    }
}

/// The changes of each worktree once.
#[derive(Default)]
struct ChangeList(Vec<WorktreeChanges>);

impl ChangeList {
    /// The place of the task's worktree. `None` if it has none that exists.
    fn of(&mut self, project: &Project, tasks: &TaskSet, task: &Task) -> Option<usize> {
        project.manifest.worktree.as_ref()?;
        let worktree = work::existing_work_of(project, tasks, task).ok()?;
        let path = worktree.path.display().to_string();
        if let Some(known) = self.0.iter().position(|known| known.path == path) {
            return Some(known);
        }
        let mut changes = WorktreeChanges { path, branch: worktree.branch, ..WorktreeChanges::default() };
        let error = match self.0.len() < WORKTREES {
            true => diff::work(project, tasks, task).and_then(|diff| diff.view(0)).map_err(|error| error.to_string()),
            false => Err(format!("only {WORKTREES} worktrees are compared")),
        };
        match error {
            Ok(diff) => {
                (changes.added, changes.removed, changes.count) = (diff.added, diff.removed, diff.files.len());
                changes.files = diff.files.into_iter().take(FILES).collect();
            }
            Err(error) => changes.error = Some(error),
        }
        self.0.push(changes);
        Some(self.0.len() - 1)
    }
}
