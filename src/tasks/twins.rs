//! Tasks with equal ids: they are excluded and reported, with the `id:` line to write.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::model::names::TaskId;
use crate::model::problem::Problem;
use crate::model::task_source::TaskSource;
use crate::tasks::task_file::TaskDraft;
use crate::tasks::task_set::UnusableFiles;

/// Excludes all tasks that share an id, since the id does not identify one of them.
pub(super) fn without_twins(
    root: &Path,
    sources: &[TaskSource],
    drafts: Vec<TaskDraft>,
    broken: &mut BTreeMap<String, UnusableFiles>,
    problems: &mut Vec<Problem>,
) -> Vec<TaskDraft> {
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
        let mut problem = Problem::error(&reason).hint("give each of them an `id` of its own; until then none can run");
        problem.hints.extend(fix(root, sources, &drafts, &places));
        problems.push(match paths.first() {
            Some(path) => problem.in_file(path),
            None => problem,
        });
        broken.insert(id.to_string(), UnusableFiles { reason, paths, problem: None });
        for i in places {
            out[i] = true;
        }
    }
    drafts.into_iter().zip(out).filter_map(|(draft, out)| (!out).then_some(draft)).collect()
}

/// The line to write: an `id:` template for their common entry of `tasks:`, if one gives all its files different ids;
/// else an `id:` for one of the files.
fn fix(root: &Path, sources: &[TaskSource], drafts: &[TaskDraft], twins: &[usize]) -> Option<String> {
    let source = drafts[twins[0]].source;
    if let Some(TaskSource::Files(entry)) =
        sources.get(source).filter(|_| twins.iter().all(|i| drafts[*i].source == source))
        && entry.id.is_none()
        && let Some(template) =
            template(root, &drafts.iter().filter(|draft| draft.source == source).collect::<Vec<_>>())
    {
        return Some(format!(
            "or name all tasks of `files: \"{}\"` by an `id` beside it: `id: \"{template}\"`",
            entry.glob
        ));
    }
    let last = &drafts[*twins.iter().rev().find(|i| drafts[**i].task.path.is_some())?];
    let path = last.task.path.as_deref()?;
    let path = path.strip_prefix(root).unwrap_or(path);
    let taken: HashSet<&str> = drafts.iter().map(|draft| draft.task.id.as_str()).collect();
    let folder = path.iter().rev().nth(if last.task.is_overview { 2 } else { 1 }).map(|name| name.to_string_lossy());
    let mut wanted = folder
        .map(|folder| format!("{folder}-{}", last.task.id))
        .into_iter()
        .chain((2..).map(|n| format!("{}-{n}", last.task.id)));
    let id = wanted.by_ref().take(100).find(|id| TaskId::parse(id).is_ok() && !taken.contains(id.as_str()))?;
    Some(format!("in `{}`: `id: {id}`", path.display()))
}

/// A template that gives each of these files a different id.
fn template(root: &Path, drafts: &[&TaskDraft]) -> Option<String> {
    let parts = |draft: &TaskDraft| -> Vec<String> {
        let path = draft.task.path.as_deref().unwrap_or(Path::new(""));
        path.strip_prefix(root).unwrap_or(path).iter().map(|part| part.to_string_lossy().into_owned()).collect()
    };
    let all: Vec<(Vec<String>, &TaskDraft)> = drafts.iter().map(|draft| (parts(draft), *draft)).collect();
    // The last part is the file's name.
    let depth = all.iter().map(|(parts, _)| parts.len().saturating_sub(1)).min().unwrap_or(0);
    let differ = |id: &dyn Fn(&[String], &TaskDraft) -> Option<String>| {
        let mut seen = HashSet::new();
        all.iter()
            .all(|(parts, draft)| id(parts, draft).is_some_and(|id| TaskId::parse(&id).is_ok() && seen.insert(id)))
    };
    if differ(&|_, draft| Some(draft.stem.clone())) {
        return Some("{{ file.stem }}".to_owned());
    }
    let own = |draft: &TaskDraft| draft.task.meta.get("id").and_then(|id| id.as_str()).map(str::to_owned);
    for part in 0..depth {
        if differ(&|parts, draft| Some(format!("{}_{}", parts[part], own(draft)?))) {
            return Some(format!("{{{{ file.parts[{part}] }}}}_{{{{ meta.id }}}}"));
        }
        if differ(&|parts, draft| Some(format!("{}_{}", parts[part], draft.stem))) {
            return Some(format!("{{{{ file.parts[{part}] }}}}_{{{{ file.stem }}}}"));
        }
    }
    None
}
