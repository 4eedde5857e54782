//! Sources → drafts: one task each, not yet connected to the others.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use crate::model::names::TaskId;
use crate::model::problem::Problem;
use crate::model::task_source::{ListedTask, TaskSource};
use crate::model::task_status::TaskStatus;
use crate::tasks::assemble::assemble;
use crate::tasks::fields::Fields;
use crate::tasks::find::{self, Found, find};
use crate::tasks::front_matter::{self, Form, Split, Unclosed, lines, plain, split};
use crate::tasks::ids::{self, OVERVIEW};
use crate::tasks::open::{HEAD_MAX, OpenError, open, read_upto, text_of};
use crate::tasks::task::{Content, Task};
use crate::tasks::task_set::TaskSet;

/// Enough for most front matters, in bytes.
const FIRST_READ: usize = 4 << 10;
/// Fewer files than this are not worth a thread.
const FILES_PER_THREAD: usize = 500;
const MAX_THREADS: usize = 4;

/// A task as its own source describes it. What it says of other tasks is still text.
#[derive(Debug)]
pub(in crate::tasks) struct Draft {
    pub(in crate::tasks) task: Task,
    /// Its place among all sources, for a stable order.
    pub(in crate::tasks) source: usize,
    /// The file's whole name, prefix included: another way to refer to it.
    pub(in crate::tasks) stem: String,
    pub(in crate::tasks) parent: String,
    pub(in crate::tasks) depends_on: Vec<String>,
    pub(in crate::tasks) head: Arc<str>,
    pub(in crate::tasks) block: Range<usize>,
    /// The subtask file that holds it.
    pub(in crate::tasks) declared_in: Option<PathBuf>,
}

/// A file that cannot be used, under the id it would have had.
#[derive(Debug)]
pub(in crate::tasks) struct Damaged {
    pub(in crate::tasks) id: String,
    pub(in crate::tasks) path: PathBuf,
    pub(in crate::tasks) reason: String,
    /// Nothing where it was told already.
    pub(in crate::tasks) problem: Option<Problem>,
}

/// One file's outcome, and what was odd in it.
type Outcome = (Result<Draft, Damaged>, Vec<Problem>);

/// Reads the tasks of all `sources` below `root`. Reads heads only; never fails as a whole.
pub fn scan(root: &Path, sources: &[TaskSource]) -> TaskSet {
    let mut problems = Vec::new();
    let mut drafts = Vec::new();
    let mut damaged = Vec::new();
    let mut seen = HashSet::new();
    // The folder of a manifest that was named without one.
    let here = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let top = match fs::canonicalize(here) {
        Ok(top) => top,
        Err(error) => {
            let problem = Problem::error(format!("folder of the tasks cannot be read: {error}")).in_file(root);
            return assemble(root, drafts, damaged, vec![problem]);
        }
    };
    for (source, declared) in sources.iter().enumerate() {
        match declared {
            TaskSource::Files(glob) => {
                let mut found = find(root, &top, glob, &mut problems);
                found.retain(|file| seen.insert(file.path.clone()));
                for (outcome, odd) in read_all(root, &top, &found) {
                    problems.extend(odd);
                    match outcome {
                        Ok(draft) => drafts.push(Draft { source, ..draft }),
                        Err(file) => damaged.push(file),
                    }
                }
            }
            TaskSource::List(list) => {
                drafts.extend(list.iter().map(|task| listed(task, source, &mut problems)));
            }
            TaskSource::Subtasks(file) => {
                problems.extend(file.problems.iter().cloned());
                let broken = file.problems.iter().find(|problem| problem.is_error());
                for task in &file.tasks {
                    let path = file.path.clone();
                    match broken {
                        Some(Problem { message, .. }) => {
                            let reason = format!("its file has a problem: {message}");
                            damaged.push(Damaged { id: task.id.to_string(), path, reason, problem: None });
                        }
                        None => {
                            drafts.push(Draft { declared_in: Some(path), ..listed(task, source, &mut problems) });
                        }
                    }
                }
            }
        }
    }
    assemble(root, drafts, damaged, problems)
}

/// The folders in which a task, or a file of tasks, may come, go or change.
pub fn folders(root: &Path, sources: &[TaskSource]) -> HashSet<PathBuf> {
    let Ok(top) = fs::canonicalize(root) else { return HashSet::new() };
    let mut folders = HashSet::new();
    for source in sources {
        match source {
            TaskSource::Files(glob) => folders.extend(find::folders(root, &top, glob)),
            TaskSource::Subtasks(file) => folders.extend(file.path.parent().map(Path::to_owned)),
            TaskSource::List(_) => {}
        }
    }
    folders
}

/// Reads all heads, in the order given, on a few threads where there are many.
fn read_all(root: &Path, top: &Path, found: &[Found]) -> Vec<Outcome> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MAX_THREADS).min(found.len() / FILES_PER_THREAD).max(1);
    let read = |files: &[Found]| files.iter().map(|file| read_head(root, top, file)).collect::<Vec<_>>();
    if threads == 1 {
        return read(found);
    }
    thread::scope(|scope| {
        let chunks = found.chunks(found.len().div_ceil(threads));
        let readers: Vec<_> = chunks.map(|files| scope.spawn(move || read(files))).collect();
        readers.into_iter().flat_map(|reader| reader.join().unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
    })
}

fn read_head(root: &Path, top: &Path, file: &Found) -> Outcome {
    // An overview at the very top has the name of the root itself, which may be given as `.`.
    let named = match file.path.strip_prefix(root) {
        Ok(below) if below.parent() == Some(Path::new("")) => top.join(below),
        _ => file.path.clone(),
    };
    let stem = ids::stem(&named);
    let bad = |id: &str, problem: Problem| {
        let reason = problem.message.clone();
        (Err(Damaged { id: id.to_owned(), path: file.path.clone(), reason, problem: Some(problem) }), Vec::new())
    };
    let (text, whole, parts) = match split_file(file) {
        Ok(parts) => parts,
        Err(problem) => return bad(&stem.id, problem),
    };
    let head: Arc<str> = Arc::from(text.get(..parts.block.end).unwrap_or_default());
    let meta = match front_matter::read(parts.form, head.get(parts.block.clone()).unwrap_or_default()) {
        Ok(meta) => meta,
        Err(error) => {
            let problem = Problem::error(format!("front matter: {}", error.message));
            let start = parts.block.start;
            let problem = match error.at {
                Some(at) => problem.at(&file.path, &head, start + at.start, start + at.end),
                None => problem.at(&file.path, &head, start, start),
            };
            let toml = parts.form == Form::Yaml && head[parts.block].lines().any(|line| line.contains(" = "));
            return bad(&stem.id, if toml { problem.hint("TOML stands between `+++` lines") } else { problem });
        }
    };
    let mut fields =
        Fields { meta: &meta, path: &file.path, head: &head, block: parts.block.clone(), problems: Vec::new() };
    let given = fields.text(&["id"]);
    let own = !(given.is_empty() || stem.is_overview && given == OVERVIEW);
    let id = if own { given } else { stem.id };
    let id = match TaskId::parse(&id) {
        Ok(id) => id,
        Err(error) => {
            let problem = Problem::error(format!("invalid task id: {error}"));
            let problem = if own { fields.place(problem, "id") } else { problem.in_file(&file.path) };
            let hint = "rename the file, or give it an `id` of letters, digits, `_` and `-`";
            return bad(&id, problem.hint(hint));
        }
    };
    let mut title = fields.text(&["title"]);
    if title.is_empty() {
        title = parts.title.unwrap_or_else(|| first_heading(text.get(parts.body..).unwrap_or_default(), whole));
    }
    let title = if title.is_empty() { stem.whole.clone() } else { one_line(&title) };
    let (status, status_text) = fields.status();
    let task = Task {
        id,
        title,
        status,
        status_text,
        kind: fields.text(&["type"]),
        priority: fields.text(&["priority"]),
        area: fields.text(&["area"]),
        tags: fields.list(&["tags"]),
        assignee: fields.text(&["assignee", "assigned_to"]),
        parent: None,
        subtasks: Vec::new(),
        order: stem.order,
        depends_on: Vec::new(),
        path: Some(file.path.clone()),
        declared: None,
        is_overview: stem.is_overview,
        meta: BTreeMap::new(),
        content: Content::File(file.real.clone()),
    };
    let parent = fields.text(&["parent", "parent_task"]);
    let depends_on = fields.list(&["depends_on", "depends", "dependencies"]);
    let problems = fields.problems;
    let task = Task { meta, ..task };
    (
        Ok(Draft {
            task,
            source: 0,
            stem: stem.whole,
            parent,
            depends_on,
            head,
            block: parts.block,
            declared_in: None,
        }),
        problems,
    )
}

/// The start of a file, whether that is all of it, and where its parts lie.
fn split_file(found: &Found) -> Result<(String, bool, Split), Problem> {
    let wrong = |error: OpenError| Problem::error(format!("task file {error}")).in_file(&found.path);
    let (mut file, size) = open(&found.real).map_err(wrong)?;
    let mut bytes = Vec::new();
    let mut upto = FIRST_READ;
    loop {
        let whole = read_upto(&mut file, size, &mut bytes, upto).map_err(wrong)?;
        let text = text_of(&bytes, whole).map_err(wrong)?;
        let parts = match split(text) {
            Ok(parts) => parts,
            Err(Unclosed { .. }) if !whole && upto < HEAD_MAX => {
                upto = HEAD_MAX;
                continue;
            }
            Err(Unclosed { certain: false, .. }) => plain(text),
            Err(Unclosed { fence, certain: true }) => {
                let head: Arc<str> = Arc::from(text);
                let mark = head.get(fence.clone()).unwrap_or_default().trim_end().to_owned();
                let within = if whole { "" } else { " within 64 KiB" };
                let problem = Problem::error(format!("front matter opened with `{mark}` is not closed{within}"));
                let problem = problem.at(&found.path, &head, fence.start, fence.end);
                return Err(problem.hint(format!("end it with a line `{mark}`")));
            }
        };
        return Ok((text.to_owned(), whole, parts));
    }
}

/// The first heading in the part of the body that was read; empty if there is none.
fn first_heading(body: &str, whole: bool) -> String {
    let end = if whole { body.len() } else { body.rfind('\n').unwrap_or(0) };
    let mut fence = None;
    for (_, line) in lines(&body[..end], 0) {
        if crate::tasks::body::in_fence(&mut fence, line) {
            continue;
        }
        if let Some((_, text)) = crate::tasks::body::heading(line) {
            return text.to_owned();
        }
    }
    String::new()
}

fn one_line(text: &str) -> String {
    if text.contains('\n') { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text.to_owned() }
}

fn listed(task: &ListedTask, source: usize, problems: &mut Vec<Problem>) -> Draft {
    let status = TaskStatus::parse(&task.status);
    if status.is_none() && !task.status.trim().is_empty() {
        let message = format!("task `{}` of the manifest: unknown status `{}`", task.id, task.status.escape_debug());
        problems.push(Problem::warning(message));
    }
    let title = if task.title.trim().is_empty() { task.id.to_string() } else { one_line(&task.title) };
    Draft {
        task: Task {
            id: task.id.clone(),
            title,
            status,
            status_text: task.status.clone(),
            kind: task.kind.clone(),
            priority: task.priority.clone(),
            area: task.area.clone(),
            tags: task.tags.clone(),
            assignee: task.assignee.clone(),
            parent: None,
            subtasks: Vec::new(),
            order: None,
            depends_on: Vec::new(),
            path: None,
            declared: task.declared.clone(),
            is_overview: false,
            meta: BTreeMap::new(),
            content: Content::Inline(task.body.clone()),
        },
        source,
        stem: task.id.to_string(),
        parent: task.parent.as_ref().map(TaskId::to_string).unwrap_or_default(),
        depends_on: task.depends_on.iter().map(TaskId::to_string).collect(),
        head: Arc::from(""),
        block: 0..0,
        declared_in: None,
    }
}
