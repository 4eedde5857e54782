//! Drafts → the set: unique ids, parents, subtasks, dependencies, order.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::model::names::TaskId;
use crate::model::problem::Problem;
use crate::tasks::cycles::break_cycles;
use crate::tasks::fields::place;
use crate::tasks::ids::OVERVIEW;
use crate::tasks::scan::{Damaged, Draft};
use crate::tasks::task_set::{Broken, TaskSet};

/// A circle of more tasks than this is shown in part.
const CYCLE_SHOWN: usize = 12;
/// More circles than this add nothing.
const CYCLES_SHOWN: usize = 50;

/// Connects `drafts`. Nothing is lost without a problem that names it.
pub(in crate::tasks) fn assemble(
    root: &Path,
    drafts: Vec<Draft>,
    damaged: Vec<Damaged>,
    mut problems: Vec<Problem>,
) -> TaskSet {
    let mut broken: BTreeMap<String, Broken> = BTreeMap::new();
    for file in damaged {
        let entry = broken.entry(file.id).or_insert_with(|| Broken { reason: file.reason, paths: vec![] });
        entry.paths.push(file.path);
        problems.extend(file.problem);
    }
    let mut drafts = without_twins(root, drafts, &mut broken, &mut problems);
    // Ids are unique from here on; the position of a draft stands for it.
    drafts.sort_by(by_place);
    let names = Names::new(&drafts);
    let parents = parents(&drafts, &names, &mut problems);
    let (depends, circles) = dependencies(&drafts, &names, &mut problems);
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

/// Leaves out all tasks that share an id: which one is meant cannot be known.
fn without_twins(
    root: &Path,
    drafts: Vec<Draft>,
    broken: &mut BTreeMap<String, Broken>,
    problems: &mut Vec<Problem>,
) -> Vec<Draft> {
    let mut by_id: HashMap<TaskId, Vec<usize>> = HashMap::new();
    for (i, draft) in drafts.iter().enumerate() {
        by_id.entry(draft.task.id.clone()).or_default().push(i);
    }
    let mut twins: Vec<_> = by_id.into_iter().filter(|(_, places)| places.len() > 1).collect();
    twins.sort();
    let mut out = vec![false; drafts.len()];
    for (id, places) in twins {
        let file = |i: &usize| drafts[*i].task.path.as_ref().or(drafts[*i].declared_in.as_ref());
        let shown = |i: &usize| match file(i) {
            Some(path) => path.strip_prefix(root).unwrap_or(path).display().to_string(),
            None => "the manifest's `list`".to_owned(),
        };
        let names: Vec<String> = places.iter().map(shown).collect();
        let reason = format!("the id `{id}` is used {} times: {}", places.len(), names.join(", "));
        let paths: Vec<PathBuf> = places.iter().filter_map(|i| file(i).cloned()).collect();
        let problem = Problem::error(&reason).hint("give each of them an `id` of its own; until then none can run");
        problems.push(match paths.first() {
            Some(path) => problem.in_file(path),
            None => problem,
        });
        broken.insert(id.to_string(), Broken { reason, paths });
        for i in places {
            out[i] = true;
        }
    }
    drafts.into_iter().zip(out).filter_map(|(draft, out)| (!out).then_some(draft)).collect()
}

/// Source, folder, `NN_`, name. A folder comes where its overview would.
fn by_place(a: &Draft, b: &Draft) -> Ordering {
    let key = |draft: &Draft| {
        let path = draft.task.path.as_deref();
        let own = if draft.task.is_overview { path.and_then(Path::parent) } else { path };
        (draft.source, own.and_then(Path::parent).map(Path::to_owned), draft.task.order.unwrap_or(u32::MAX))
    };
    // List entries have no path and keep the order in which they were written (the sort is stable).
    key(a).cmp(&key(b)).then_with(|| a.task.path.cmp(&b.task.path))
}

/// The ways to refer to a task.
struct Names<'a> {
    ids: HashMap<&'a str, usize>,
    /// `None` where two tasks have the stem.
    stems: HashMap<&'a str, Option<usize>>,
    overviews: HashMap<&'a Path, usize>,
}

impl<'a> Names<'a> {
    fn new(drafts: &'a [Draft]) -> Self {
        let mut names = Self { ids: HashMap::new(), stems: HashMap::new(), overviews: HashMap::new() };
        for (i, draft) in drafts.iter().enumerate() {
            names.ids.insert(draft.task.id.as_str(), i);
            names.stems.entry(draft.stem.as_str()).and_modify(|one| *one = None).or_insert(Some(i));
            if let (true, Some(path)) = (draft.task.is_overview, &draft.task.path) {
                names.overviews.extend(path.parent().map(|folder| (folder, i)));
            }
        }
        names
    }

    /// `text` as an id, a file's name with its prefix, or `_overview` of the folder `near`.
    fn get(&self, text: &str, near: Option<usize>) -> Option<usize> {
        let text = [".task.md", ".md"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
        let by_name = self.ids.get(text).copied().or_else(|| self.stems.get(text).copied().flatten());
        by_name.or_else(|| near.filter(|_| text == OVERVIEW))
    }

    /// The overview that a file lies under. An overview itself lies under the next one up.
    fn above(&self, draft: &Draft) -> Option<usize> {
        let path = draft.task.path.as_deref()?;
        let folder = if draft.task.is_overview { path.parent()? } else { path };
        folder.ancestors().skip(1).find_map(|folder| self.overviews.get(folder).copied())
    }
}

fn parents(drafts: &[Draft], names: &Names<'_>, problems: &mut Vec<Problem>) -> Vec<Option<usize>> {
    let mut edges: Vec<Vec<usize>> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let above = names.above(draft);
        let given = (!draft.parent.is_empty()).then(|| names.get(&draft.parent, above));
        if given == Some(None) {
            problems.push(unknown(draft, "parent", &draft.parent, &["parent", "parent_task"]));
        }
        edges.push(given.flatten().or(above).into_iter().collect());
    }
    report_cycles(drafts, &break_cycles(&mut edges), "parents", &["parent", "parent_task"], problems);
    edges.into_iter().map(|edge| edge.first().copied()).collect()
}

/// What each depends on, without circles, and the circles.
fn dependencies(
    drafts: &[Draft],
    names: &Names<'_>,
    problems: &mut Vec<Problem>,
) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    const KEYS: [&str; 3] = ["depends_on", "depends", "dependencies"];
    let mut edges: Vec<Vec<usize>> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let above = names.above(draft);
        let mut on = Vec::new();
        for text in &draft.depends_on {
            match names.get(text, above) {
                Some(found) if on.contains(&found) => {}
                Some(found) => on.push(found),
                None => problems.push(unknown(draft, "dependency", text, &KEYS)),
            }
        }
        edges.push(on);
    }
    let cycles = break_cycles(&mut edges);
    report_cycles(drafts, &cycles, "dependencies", &KEYS, problems);
    (edges, cycles)
}

fn unknown(draft: &Draft, what: &str, text: &str, keys: &[&str]) -> Problem {
    let message = format!("task `{}`: its {what} `{}` is not a known task", draft.task.id, text.escape_debug());
    point(Problem::warning(message), draft, keys)
}

fn report_cycles(drafts: &[Draft], cycles: &[Vec<usize>], what: &str, keys: &[&str], problems: &mut Vec<Problem>) {
    for cycle in cycles.iter().take(CYCLES_SHOWN) {
        let mut names: Vec<&str> = cycle.iter().map(|i| drafts[*i].task.id.as_str()).collect();
        if names.len() > CYCLE_SHOWN {
            names.splice(CYCLE_SHOWN - 1..names.len() - 1, ["…"]);
        }
        let problem = Problem::error(format!("{what} run in a circle: {}", names.join(" → ")));
        let closing = cycle.iter().rev().nth(1).map_or(0, |i| *i);
        problems.push(point(problem, &drafts[closing], keys).hint("until it is cut, its last step is ignored"));
    }
}

fn point(problem: Problem, draft: &Draft, keys: &[&str]) -> Problem {
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
