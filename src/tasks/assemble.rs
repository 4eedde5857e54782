//! Drafts → the set of tasks: unique ids, parents, subtasks, dependencies, order.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

use crate::model::cycles::{self, break_cycles};
use crate::model::names::TaskId;
use crate::model::problem::Problem;
use crate::model::task_source::TaskSource;
use crate::tasks::field_names::{DEPENDS_ON, PARENT};
use crate::tasks::fields::place;
use crate::tasks::references::{References, Referent};
use crate::tasks::scan::Scanned;
use crate::tasks::task_file::TaskDraft;
use crate::tasks::task_set::{TaskSet, UnusableFiles};
use crate::tasks::twins::without_twins;
use crate::tasks::warnings::{Warning, WarningKind, summed};

/// Most cycles that are reported.
const CYCLES_SHOWN: usize = 50;

/// Connects the drafts of a scan. Every task that is excluded has a problem that names it.
pub(super) fn assemble(root: &Path, sources: &[TaskSource], scanned: Scanned) -> TaskSet {
    let Scanned { drafts, damaged, mut problems, mut warnings } = scanned;
    let mut broken: BTreeMap<String, UnusableFiles> = BTreeMap::new();
    for file in damaged {
        for id in file.ids {
            let new = || UnusableFiles { reason: file.reason.clone(), paths: vec![], problem: file.problem.clone() };
            broken.entry(id).or_insert_with(new).paths.push(file.path.clone());
        }
        problems.extend(file.problem);
    }
    let mut drafts = without_twins(root, sources, drafts, &mut broken, &mut problems);
    // Ids are unique from here on, so the position of a draft identifies it.
    drafts.sort_by(by_place);
    let names = References::new(&drafts);
    let parents = parents(&drafts, &names, &mut warnings, &mut problems);
    let (depends, circles) = dependencies(&drafts, &names, &mut warnings, &mut problems);
    problems.extend(summed(warnings));
    let ids: Vec<TaskId> = drafts.iter().map(|draft| draft.task.id.clone()).collect();
    let circles = circles.iter().map(|circle| circle.iter().map(|i| ids[*i].clone()).collect()).collect();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); drafts.len()];
    for (child, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            children[*parent].push(child);
        }
    }
    for siblings in &mut children {
        siblings.sort_by_key(|i| drafts[*i].task.order.unwrap_or(u32::MAX));
    }
    for (i, draft) in drafts.iter_mut().enumerate() {
        draft.task.parent = parents[i].map(|parent| ids[parent].clone());
        draft.task.depends_on = depends[i].iter().map(|on| ids[*on].clone()).collect();
        draft.task.subtasks = children[i].iter().map(|child| ids[*child].clone()).collect();
    }
    let order = parents_first(&parents, &children);
    let mut tasks: Vec<_> = drafts.into_iter().map(|draft| Some(draft.task)).collect();
    let tasks = order.into_iter().filter_map(|i| tasks[i].take()).collect();
    TaskSet::new(tasks, problems, broken).with_circles(circles)
}

/// Sorted by source, folder, `NN_` and name. An overview is sorted as its folder.
fn by_place(a: &TaskDraft, b: &TaskDraft) -> Ordering {
    let key = |draft: &TaskDraft| {
        let path = draft.task.path.as_deref();
        let own = if draft.task.is_overview { path.and_then(Path::parent) } else { path };
        (draft.source, own.and_then(Path::parent).map(Path::to_owned), draft.task.order.unwrap_or(u32::MAX))
    };
    // List entries have no path and keep their order (the sort is stable).
    key(a).cmp(&key(b)).then_with(|| a.task.path.cmp(&b.task.path))
}

fn parents(
    drafts: &[TaskDraft],
    names: &References<'_>,
    warnings: &mut Vec<Warning>,
    problems: &mut Vec<Problem>,
) -> Vec<Option<usize>> {
    let mut edges: Vec<Vec<usize>> = Vec::with_capacity(drafts.len());
    for (i, draft) in drafts.iter().enumerate() {
        let given = (!draft.parent.is_empty()).then(|| names.resolve(&draft.parent, i));
        let parent = match given {
            // An overview whose parent is its own folder gets the overview above it.
            Some(Referent::Task(parent)) if parent == i && draft.parent != draft.task.id.as_str() => names.above(draft),
            Some(Referent::Task(parent)) => Some(parent),
            Some(Referent::OwnFolder) | None => names.above(draft),
            Some(Referent::Unknown) => {
                warnings.push(unknown(draft, WarningKind::UnknownParent, &draft.parent));
                names.above(draft)
            }
        };
        edges.push(parent.into_iter().collect());
    }
    report_cycles(drafts, &break_cycles(&mut edges), "parents", PARENT, problems);
    edges.into_iter().map(|edge| edge.first().copied()).collect()
}

/// The dependencies of each task without cycles, and the cycles.
fn dependencies(
    drafts: &[TaskDraft],
    names: &References<'_>,
    warnings: &mut Vec<Warning>,
    problems: &mut Vec<Problem>,
) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let mut edges: Vec<Vec<usize>> = Vec::with_capacity(drafts.len());
    for (i, draft) in drafts.iter().enumerate() {
        let mut on = Vec::new();
        for text in &draft.depends_on {
            match names.resolve(text, i) {
                Referent::Task(found) if on.contains(&found) => {}
                Referent::Task(found) => on.push(found),
                Referent::OwnFolder | Referent::Unknown => {
                    warnings.push(unknown(draft, WarningKind::UnknownDependency, text));
                }
            }
        }
        edges.push(on);
    }
    let cycles = break_cycles(&mut edges);
    report_cycles(drafts, &cycles, "dependencies", DEPENDS_ON, problems);
    (edges, cycles)
}

fn unknown(draft: &TaskDraft, kind: WarningKind, text: &str) -> Warning {
    let (what, keys) = if kind == WarningKind::UnknownParent { ("parent", PARENT) } else { ("dependency", DEPENDS_ON) };
    let message = format!("task `{}`: its {what} `{}` is not a known task", draft.task.id, text.escape_debug());
    Warning { kind, problem: point(Problem::warning(message), draft, keys) }
}

fn report_cycles(drafts: &[TaskDraft], found: &[Vec<usize>], what: &str, keys: &[&str], problems: &mut Vec<Problem>) {
    for cycle in found.iter().take(CYCLES_SHOWN) {
        let names = cycles::shown(cycle.iter().map(|i| drafts[*i].task.id.as_str()).collect());
        let problem = Problem::error(format!("{what} run in a circle: {names}"));
        let closing = cycle.iter().rev().nth(1).map_or(0, |i| *i);
        problems.push(point(problem, &drafts[closing], keys).hint("until it is cut, its last step is ignored"));
    }
}

fn point(problem: Problem, draft: &TaskDraft, keys: &[&str]) -> Problem {
    match &draft.task.path {
        Some(path) => place(problem, path, &draft.head, &draft.block, keys),
        None => match &draft.declared_in {
            Some(path) => problem.in_file(path),
            None => problem,
        },
    }
}

/// All positions, each parent directly before its subtasks.
fn parents_first(parents: &[Option<usize>], children: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(parents.len());
    let mut waiting: Vec<usize> = (0..parents.len()).rev().filter(|i| parents[*i].is_none()).collect();
    while let Some(next) = waiting.pop() {
        order.push(next);
        waiting.extend(children[next].iter().rev());
    }
    order
}
