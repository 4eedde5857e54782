//! One task: its text, what it depends on, what is below it in run order, and its runs.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::http::refusal::{Refusal, Why};
use crate::http::server::Shared;
use crate::http::ui::badge::Badge;
use crate::http::ui::board::{self, Row, Runs};
use crate::http::ui::catalog::{Broken, Catalog, Finding};
use crate::http::ui::markdown;
use crate::http::ui::pages::{Top, last_runs, top};
use crate::http::ui::run_line::RunLine;
use crate::http::ui::task_tree::{self, Step};
use crate::http::ui::templates;
use crate::model::names::TaskId;
use crate::model::nearest::nearest;
use crate::runner::errand::Errand;
use crate::runner::failure::{Failure, Kind};
use crate::runner::past::Past;
use crate::view::run_view::RunView;
use crate::view::task_view::{ChecklistView, ProgressView, TaskDetail, TaskView};

/// So many boxes of a checklist are listed beside the text.
const BOXES: usize = 100;
/// So many past runs of the task are looked at, and so many of each mode shown.
const PAST: u32 = 500;
const RUNS: usize = 50;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskPage<'a> {
    top: Top,
    broken: Option<&'a Broken>,
    problems: Vec<&'a Finding>,
    task: &'a TaskView,
    /// Of the task itself: its badges and what can be done.
    line: Row<'a>,
    parents: Vec<&'a TaskView>,
    body: String,
    meta: Vec<(&'a str, String)>,
    checklist: Checklist<'a>,
    tree: Tree<'a>,
    needs: Vec<Row<'a>>,
    needed_by: Vec<Row<'a>>,
    modes: Vec<ModeRuns<'a>>,
    /// What never ran on it.
    others: Vec<&'a ModeRuns<'a>>,
    worktrees: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checklist<'a> {
    all: usize,
    done: usize,
    boxes: &'a [ChecklistView],
}

/// The tasks below one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tree<'a> {
    lines: Vec<Below<'a>>,
    /// So many are not shown.
    left: usize,
    progress: Option<ProgressView>,
    /// What they can be run with, and which of them is proposed.
    modes: Vec<&'a str>,
    proposed: Option<&'a str>,
}

/// A row of the tree.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Below<'a> {
    row: Row<'a>,
    /// The first of several beside it that may run at the same time: how many.
    together: usize,
}

/// A mode, and its runs on this task, newest first.
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GonePage<'a> {
    top: Top,
    id: &'a str,
    message: String,
    hints: Vec<String>,
    nearest: Option<&'a str>,
    problems: Vec<&'a Finding>,
    runs: Vec<RunLine>,
}

pub(super) fn page(server: &Arc<Shared>, id: &TaskId) -> Result<String, Refusal> {
    let seq = server.live.last_event();
    let catalog = server.catalogs.get(server)?;
    let mut broken = catalog.broken.clone();
    let detail = match (server.errands.run(&Errand::Task { id: id.to_string() }), catalog.task(id.as_str())) {
        (Ok(value), _) => serde_json::from_value::<TaskDetail>(value).map_err(Refusal::broken)?,
        // A manifest that is being mended takes its text out of sight, but not its runs.
        (Err(failure), Some(task)) if failure.kind == Kind::BadManifest => {
            broken.get_or_insert_with(|| failure.into());
            TaskDetail { task: task.clone(), ..TaskDetail::default() }
        }
        (Err(failure), _) => return gone(server, &catalog, seq, id, failure),
    };
    // `_overview` is another name of a task. The list's own has the shorter path.
    let task = catalog.task(&detail.task.id).unwrap_or(&detail.task);
    let id = TaskId::parse(&task.id).map_err(|_| Refusal::new(Why::NoRoute))?;
    let (below, left) = task_tree::below(&catalog, task);
    let needed_by: Vec<&str> = task_tree::needed_by(&catalog, &task.id);
    let mut shown: Vec<TaskId> = vec![id.clone()];
    let named = below
        .iter()
        .map(|step| step.id)
        .chain(task.depends_on.iter().map(String::as_str))
        .chain(needed_by.iter().copied());
    shown.extend(named.filter_map(|id| TaskId::parse(id).ok()));
    let runs = if shown.len() > 20 {
        server.live.overview(true).map_err(Failure::from)?
    } else {
        last_runs(server, &catalog, &shown)?
    };
    let runs = board::by_task(&runs);
    let own = own_runs(server, &id)?;
    let own_line = board::row(&catalog, &runs, id.as_str(), 0);
    let modes = modes(&catalog, &task.id, &own_line.badges, &own);
    let (modes, others): (Vec<_>, Vec<_>) = modes.into_iter().partition(|mode| !mode.runs.is_empty());
    let page = TaskPage {
        top: top(server, &catalog, seq)?,
        broken: broken.as_ref(),
        problems: problems(&catalog, task),
        task,
        line: own_line,
        parents: task_tree::parents(&catalog, task),
        body: markdown::html(&detail.body),
        meta: detail.meta.iter().map(|(name, value)| (name.as_str(), plain(value))).collect(),
        checklist: checklist(&detail.checklist),
        tree: Tree {
            lines: below.iter().map(|step| line(&catalog, &runs, step)).collect(),
            left,
            progress: detail.progress,
            modes: catalog.modes.iter().map(|mode| mode.name.as_str()).filter(|name| *name != board::PLAIN).collect(),
            proposed: proposed(&catalog, &runs, &task.id),
        },
        needs: rows(&catalog, &runs, task.depends_on.iter().map(String::as_str)),
        needed_by: rows(&catalog, &runs, needed_by.into_iter()),
        others: others.iter().filter(|mode| mode.name != board::PLAIN).collect(),
        modes,
        worktrees: catalog.project.worktrees,
    };
    templates::render("task.html", &page)
}

fn rows<'a>(catalog: &'a Catalog, runs: &Runs<'a>, ids: impl Iterator<Item = &'a str>) -> Vec<Row<'a>> {
    ids.map(|id| board::row(catalog, runs, id, 0)).collect()
}

fn line<'a>(catalog: &'a Catalog, runs: &Runs<'a>, step: &Step<'a>) -> Below<'a> {
    Below { row: board::row(catalog, runs, step.id, step.depth), together: step.together }
}

/// The background mode that ran last on any of them, else one that has a prompt.
fn proposed<'a>(catalog: &'a Catalog, runs: &Runs<'a>, id: &str) -> Option<&'a str> {
    let modes = || catalog.modes.iter().filter(|mode| mode.name != board::PLAIN);
    let below = runs.iter().filter(|(task, _)| **task != id).flat_map(|(_, runs)| runs);
    let last = below.filter(|run| run.headless).max_by_key(|run| &run.run_id);
    if let Some(mode) = last.and_then(|last| modes().find(|mode| mode.name == last.mode)) {
        return Some(&mode.name);
    }
    modes().find(|mode| !mode.interactive).or_else(|| modes().next()).map(|mode| mode.name.as_str())
}

/// What is wrong with the task's own file.
fn problems<'a>(catalog: &'a Catalog, task: &TaskView) -> Vec<&'a Finding> {
    let is_own = |problem: &&Finding| problem.path.is_some() && problem.path == task.path;
    catalog.problems.iter().filter(is_own).collect()
}

/// The task's unfinished runs, and after them what ended last.
fn own_runs(server: &Shared, id: &TaskId) -> Result<Vec<RunView>, Refusal> {
    let past = server.live.past(Past { task: Some(id.to_string()), limit: Some(PAST), ..Past::default() })?;
    let snapshot = server.live.snapshot().map_err(Failure::from)?;
    let active: Vec<_> = snapshot.active.iter().filter(|run| run.facts.task == *id).collect();
    // What ended between the two looks is shown as it ended.
    let ended: HashSet<_> = past.iter().map(|run| run.id()).collect();
    let active = active.into_iter().rev().filter(|run| !ended.contains(run.id()));
    Ok(active.chain(&past).map(|run| server.live.view(run)).collect())
}

/// All modes in the manifest's order, and after them those that are gone.
fn modes<'a>(catalog: &'a Catalog, task: &str, badges: &[Badge], own: &'a [RunView]) -> Vec<ModeRuns<'a>> {
    let mut by_mode: BTreeMap<&str, Vec<&RunView>> = BTreeMap::new();
    for run in own {
        by_mode.entry(&run.mode).or_default().push(run);
    }
    let mut modes = Vec::new();
    for mode in &catalog.modes {
        let runs = by_mode.remove(mode.name.as_str()).unwrap_or_default();
        // It may be up to date, which a run does not know.
        let badge = badges.iter().find(|badge| badge.mode == mode.name && badge.run.is_some()).cloned();
        let badge = badge.or_else(|| runs.first().map(|run| Badge::of(run, false)));
        let Some(badge) = badge.or_else(|| never(&mode.name, task, mode.interactive)) else { continue };
        let (name, description) = (mode.name.as_str(), mode.description.as_str());
        modes.push(mode_runs(name, description, mode.interactive, false, badge, &runs));
    }
    for (name, runs) in by_mode {
        let Some(last) = runs.first() else { continue };
        modes.push(mode_runs(name, "no longer in the manifest", !last.headless, true, Badge::of(last, false), &runs));
    }
    modes
}

fn never(mode: &str, task: &str, interactive: bool) -> Option<Badge> {
    Some(Badge::never(&board::pair(mode, task)?, interactive))
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

fn checklist(boxes: &[ChecklistView]) -> Checklist<'_> {
    let done = boxes.iter().filter(|item| item.done).count();
    Checklist { all: boxes.len(), done, boxes: boxes.get(..BOXES).unwrap_or(boxes) }
}

/// A value of the front matter: a text as it is, a list of texts with commas, all else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| item.is_string() || item.is_number()) => {
            items.iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// The page of a name that is no task, or none that can be used: why, and what ran under it.
fn gone(server: &Shared, catalog: &Catalog, seq: u64, id: &TaskId, failure: Failure) -> Result<String, Refusal> {
    if !matches!(failure.kind, Kind::UnknownTask | Kind::BadManifest | Kind::Failed) {
        return Err(failure.into());
    }
    let is_named = |problem: &&Finding| {
        let Some(path) = problem.path.as_ref().map(|path| catalog.project.root.join(path)) else { return false };
        let said = format!("`{}`", path.display());
        let is_told = failure.problems.iter().filter_map(|own| own.place.as_ref()).any(|own| own.path == path);
        is_told || failure.hints.iter().any(|hint| hint.contains(&said))
    };
    let known = catalog.tasks.iter().map(|task| task.id.as_str());
    let page = GonePage {
        top: top(server, catalog, seq)?,
        id: id.as_str(),
        message: failure.to_string(),
        nearest: if failure.kind == Kind::UnknownTask { nearest(id.as_str(), known) } else { None },
        problems: catalog.problems.iter().filter(is_named).collect(),
        hints: failure.hints.clone(),
        runs: own_runs(server, id)?.iter().take(RUNS).map(RunLine::of).collect(),
    };
    templates::render("task_gone.html", &page)
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
