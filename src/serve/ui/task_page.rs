//! The page of one task: its text, dependencies, the tasks below it in run order, and its runs.

use std::collections::{BTreeMap, HashSet};

use minijinja::Value;
use serde::Serialize;

use crate::lifecycle::failure::Kind;
use crate::lifecycle::summary::past_runs::{PastRuns, PastTasks};
use crate::model::names::TaskId;
use crate::model::nearest::nearest;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::server::HttpServer;
use crate::serve::ui::catalog::Catalog;
use crate::serve::ui::markdown;
use crate::serve::ui::pages::{last_runs, top};
use crate::serve::ui::row::{self, BoardRow, RunsByTask};
use crate::serve::ui::run_line::RunLine;
use crate::serve::ui::subtasks;
use crate::serve::ui::task_tree;
use crate::serve::ui::templates::{self, context};
use crate::view::badge::Badge;
use crate::view::problem_view::ProblemView;
use crate::view::run_view::RunView;
use crate::view::task_view::{ChecklistView, TaskDetail, TaskView};
use crate::worker::{WorkerFailure, WorkerRequest};

/// Boxes of the checklist beside the text, at most.
const BOXES: usize = 100;
/// Past runs that are read, and that are shown of each mode, at most.
const PAST: u32 = 500;
const RUNS: usize = 50;

/// A mode and its runs on this task, newest first. `gone`: the manifest no longer has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModeRuns<'a> {
    name: &'a str,
    description: &'a str,
    interactive: bool,
    gone: bool,
    badge: Badge,
    runs: Vec<RunLine>,
    more: bool,
}

pub(super) fn page(server: &HttpServer, id: &TaskId) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalog.get(server)?;
    let mut broken = catalog.broken.clone();
    let detail = match (server.workers.fetch(&WorkerRequest::Task { id: id.to_string() }), catalog.task(id.as_str())) {
        (Ok(detail), _) => detail,
        // While the manifest is broken, the page shows the runs without the task's text.
        (Err(failure), Some(task)) if failure.kind == Kind::BadManifest => {
            broken.get_or_insert_with(|| catalog.broken_by(failure));
            TaskDetail { task: task.clone(), ..TaskDetail::default() }
        }
        (Err(failure), _) => return gone(server, &catalog, seq, id, failure),
    };
    // `id` may be an alias, as `_overview`; the catalog's task has the relative path.
    let task = catalog.task(&detail.task.id).unwrap_or(&detail.task);
    let id = TaskId::parse(&task.id).map_err(|_| Refusal::new(RefusalKind::NoRoute))?;
    let (below, _) = task_tree::below(&catalog, task);
    let needs: Vec<&str> = task.depends_on.iter().map(String::as_str).collect();
    let needed_by = task_tree::needed_by(&catalog, &task.id);
    let others = below.iter().map(|step| step.id).chain(needs.iter().copied()).chain(needed_by.iter().copied());
    let shown: Vec<TaskId> =
        std::iter::once(task.id.as_str()).chain(others).filter_map(|id| TaskId::parse(id).ok()).collect();
    let runs = if shown.len() > 20 { server.live.overview(true)? } else { last_runs(server, &catalog, &shown)? };
    let runs = row::by_task(&runs);
    let own = own_runs(server, &id)?;
    let line = row::row(&catalog, &runs, id.as_str(), 0);
    let modes = modes(&catalog, &task.id, &line.badges, &own);
    let (modes, never_ran): (Vec<_>, Vec<_>) = modes.into_iter().partition(|mode| !mode.runs.is_empty());
    let never_ran: Vec<_> = never_ran.into_iter().filter(|mode| mode.name != row::PLAIN).collect();
    let is_broken = broken.is_some();
    templates::render(
        "task.html",
        context! {
            top => top(server, &catalog, seq)?, broken, problems => problems(&catalog, task), task, line,
            parents => task_tree::parents(&catalog, task), body => markdown::html(&detail.body),
            meta => detail.meta.iter().map(|(name, value)| (name, plain(value))).collect::<Vec<_>>(),
            checklist => checklist(&detail.checklist), tree => subtasks::tree(&catalog, &runs, task),
            progress => detail.progress, needs => rows(&catalog, &runs, &needs), neededBy => rows(&catalog, &runs, &needed_by),
            modes, others => never_ran, worktrees => catalog.project.worktrees,
            editable => catalog.project.editable, editor => catalog.project.editor && !is_broken, listedIn => catalog.listed_in.get(&task.id),
        },
    )
}

fn rows<'a>(catalog: &'a Catalog, runs: &RunsByTask<'a>, ids: &[&'a str]) -> Vec<BoardRow<'a>> {
    ids.iter().map(|id| row::row(catalog, runs, id, 0)).collect()
}

/// The problems of the task's own file.
fn problems<'a>(catalog: &'a Catalog, task: &TaskView) -> Vec<&'a ProblemView> {
    let is_own = |problem: &&ProblemView| problem.path.is_some() && problem.path == task.path;
    catalog.problems.iter().filter(is_own).collect()
}

/// The task's unfinished runs, then the last ended ones.
fn own_runs(server: &HttpServer, id: &TaskId) -> Result<Vec<RunView>, Refusal> {
    let task = Some(PastTasks::One(id.to_string()));
    let past = server.live.past(PastRuns { task, limit: Some(PAST), ..PastRuns::default() })?.runs;
    let snapshot = server.live.snapshot()?;
    let active: Vec<_> = snapshot.active.iter().filter(|run| run.facts.task == *id).collect();
    // A run that ended between the two queries is shown once, as ended.
    let ended: HashSet<_> = past.iter().map(|run| run.id()).collect();
    let active = active.into_iter().rev().filter(|run| !ended.contains(run.id()));
    Ok(active.chain(&past).map(|run| server.live.view(run)).collect())
}

/// All modes in the manifest's order, then removed modes that have runs.
fn modes<'a>(catalog: &'a Catalog, task: &str, badges: &[Badge], own: &'a [RunView]) -> Vec<ModeRuns<'a>> {
    let mut by_mode: BTreeMap<&str, Vec<&RunView>> = BTreeMap::new();
    for run in own {
        by_mode.entry(&run.mode).or_default().push(run);
    }
    let mut modes = Vec::new();
    for mode in &catalog.modes {
        let runs = by_mode.remove(mode.name.as_str()).unwrap_or_default();
        // The row's badge knows whether the result is up to date.
        let badge = badges.iter().find(|badge| badge.mode == mode.name && badge.run.is_some()).cloned();
        let badge = badge.or_else(|| runs.first().map(|run| Badge::of(run, false)));
        let Some(badge) = badge.or_else(|| never(&mode.name, task, mode.interactive)) else { continue };
        let (name, description) = (mode.name.as_str(), mode.description.as_str());
        modes.push(mode_runs(name, description, mode.interactive, false, badge, &runs));
    }
    for (name, runs) in by_mode {
        let Some(last) = runs.first() else { continue };
        modes.push(mode_runs(
            name,
            "no longer in the manifest",
            last.form.has_window(),
            true,
            Badge::of(last, false),
            &runs,
        ));
    }
    modes
}

fn never(mode: &str, task: &str, interactive: bool) -> Option<Badge> {
    Some(Badge::never(&row::pair(mode, task)?, interactive))
}

fn mode_runs<'a>(
    name: &'a str,
    description: &'a str,
    interactive: bool,
    gone: bool,
    badge: Badge,
    runs: &[&RunView],
) -> ModeRuns<'a> {
    let lines = runs.iter().take(RUNS).map(|run| RunLine::of(run)).collect();
    ModeRuns { name, description, interactive, gone, badge, runs: lines, more: runs.len() > RUNS }
}

fn checklist(boxes: &[ChecklistView]) -> Value {
    let done = boxes.iter().filter(|item| item.done).count();
    context! { all => boxes.len(), done, boxes => boxes.get(..BOXES).unwrap_or(boxes) }
}

/// A value of the front matter: text as it is, a list of texts or numbers with commas, all else as JSON.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) if items.iter().all(|item| item.is_string() || item.is_number()) => {
            items.iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// The page of an unknown or unusable task: why, and the runs under this id.
fn gone(
    server: &HttpServer,
    catalog: &Catalog,
    seq: u64,
    id: &TaskId,
    failure: WorkerFailure,
) -> Result<String, Refusal> {
    if !matches!(failure.kind, Kind::UnknownTask | Kind::BadManifest | Kind::Failed) {
        return Err(failure.into());
    }
    let is_named = |problem: &&ProblemView| {
        let Some(path) = problem.path.as_ref().map(|path| catalog.project.root.join(path)) else { return false };
        let quoted = format!("`{}`", path.display());
        failure.problems.iter().any(|own| own.path.as_ref() == Some(&path))
            || failure.hints.iter().any(|hint| hint.contains(&quoted))
    };
    let known = catalog.tasks.iter().map(|task| task.id.as_str());
    templates::render(
        "task_gone.html",
        context! {
            top => top(server, catalog, seq)?, id => id.as_str(), message => failure.message, hints => failure.hints,
            nearest => if failure.kind == Kind::UnknownTask { nearest(id.as_str(), known) } else { None },
            problems => catalog.problems.iter().filter(is_named).collect::<Vec<_>>(),
            runs => own_runs(server, id)?.iter().take(RUNS).map(RunLine::of).collect::<Vec<_>>(),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_the_front_matter_are_plain() {
        for (value, text) in [
            (json!("a <b>"), "a <b>"),
            (json!(["a", 1]), "a, 1"),
            (json!(true), "true"),
            (json!({"a": [1, {"b": null}]}), r#"{"a":[1,{"b":null}]}"#),
            (json!([{"a": 1}]), r#"[{"a":1}]"#),
            (json!([]), ""),
        ] {
            assert_eq!(plain(&value), text);
        }
    }
}
