//! Sources → drafts: one for each task, not connected to the others yet.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, thread};

use crate::model::names::TaskId;
use crate::model::problem::Problem;
use crate::model::task_source::{ListedTask, SubtaskFile, TaskFiles, TaskSource};
use crate::model::task_status::TaskStatus;
use crate::tasks::assemble::assemble;
use crate::tasks::fields::statuses;
use crate::tasks::find::{self, FoundFile, WalkFindings, find};
use crate::tasks::pattern::Glob;
use crate::tasks::task::{Content, Task};
use crate::tasks::task_file::{Damaged, TaskDraft, TaskFile, one_line};
use crate::tasks::task_set::TaskSet;
use crate::tasks::warnings::{Warning, WarningKind};

/// With fewer files a thread does not pay.
const FILES_PER_THREAD: usize = 500;
const MAX_THREADS: usize = 4;

/// The results of a scan so far.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) drafts: Vec<TaskDraft>,
    pub(super) damaged: Vec<Damaged>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

/// Reads the tasks of all `sources` below `root`. Reads only the head of each file; never fails as a whole.
pub fn scan(root: &Path, sources: &[TaskSource]) -> TaskSet {
    let mut scanned = Scanned::default();
    // The folder of a manifest whose path has no folder.
    let here = if root.as_os_str().is_empty() { Path::new(".") } else { root };
    let top = match fs::canonicalize(here) {
        Ok(top) => top,
        Err(error) => {
            let problem = Problem::error(format!("folder of the tasks cannot be read: {error}")).in_file(root);
            scanned.problems.push(problem);
            return assemble(root, sources, scanned);
        }
    };
    let mut seen = HashSet::new();
    let mut findings = WalkFindings::default();
    for (source, declared) in sources.iter().enumerate() {
        match declared {
            TaskSource::Files(files) => {
                let mut found = find(root, &top, &files.glob, &mut findings);
                found.retain(|file| seen.insert(file.path.clone()));
                scanned.add_files(root, read_all(root, &top, &found), (source, files));
            }
            TaskSource::List(list) => {
                for task in list {
                    let draft = listed(task, source, &mut scanned.warnings);
                    scanned.drafts.push(draft);
                }
            }
            TaskSource::Subtasks(file) => scanned.add_subtasks(file, source),
        }
    }
    scanned.problems.extend(findings.into_problems(root));
    assemble(root, sources, scanned)
}

impl Scanned {
    fn add_files(
        &mut self,
        root: &Path,
        read: Vec<Result<TaskFile, Box<Damaged>>>,
        (source, entry): (usize, &TaskFiles),
    ) {
        let mut made = entry.id.as_ref().map(|id| {
            let contexts = read.iter().filter_map(|file| file.as_ref().ok()).map(|file| file.context(root)).collect();
            (id.render)(&id.text, contexts).into_iter()
        });
        for file in read {
            // One result for each file that was read.
            let draft = file.and_then(|file| {
                let id = made.as_mut().map(|made| made.next().unwrap_or_else(|| Err("it was not rendered".to_owned())));
                file.into_draft(id, &mut self.warnings)
            });
            match draft {
                Ok(draft) => self.drafts.push(TaskDraft { source, ..draft }),
                Err(damaged) => self.damaged.push(*damaged),
            }
        }
    }

    fn add_subtasks(&mut self, file: &SubtaskFile, source: usize) {
        self.problems.extend(file.problems.iter().cloned());
        let broken = file.problems.iter().find(|problem| problem.is_error());
        for task in &file.tasks {
            let path = file.path.clone();
            match broken {
                Some(Problem { message, .. }) => {
                    let reason = format!("its file has a problem: {message}");
                    self.damaged.push(Damaged { ids: vec![task.id.to_string()], path, reason, problem: None });
                }
                None => {
                    let draft = listed(task, source, &mut self.warnings);
                    self.drafts.push(TaskDraft { declared_in: Some(path), ..draft });
                }
            }
        }
    }
}

/// The folders in which a task, or a file of tasks, may appear, change or disappear.
pub fn folders(root: &Path, sources: &[TaskSource]) -> HashSet<PathBuf> {
    let Ok(top) = fs::canonicalize(root) else { return HashSet::new() };
    let mut folders = HashSet::new();
    for source in sources {
        match source {
            TaskSource::Files(files) => folders.extend(find::folders(root, &top, &files.glob)),
            TaskSource::Subtasks(file) => folders.extend(file.path.parent().map(Path::to_owned)),
            TaskSource::List(_) => {}
        }
    }
    folders
}

/// Whether a `files:` entry matches `path`, which is below `root`.
pub fn is_listed(root: &Path, sources: &[TaskSource], path: &Path) -> bool {
    let Ok(below) = path.strip_prefix(root) else { return false };
    let is_match = |glob: &str| {
        let Ok(glob) = Glob::parse(glob) else { return false };
        let step = |at, part: &OsStr| glob.step(at, &part.to_string_lossy());
        below.iter().try_fold(glob.start(), step).is_some_and(|at| glob.is_match(at))
    };
    sources.iter().any(|source| matches!(source, TaskSource::Files(files) if is_match(&files.glob)))
}

/// Reads all heads in the given order, with several threads if there are many.
fn read_all(root: &Path, top: &Path, found: &[FoundFile]) -> Vec<Result<TaskFile, Box<Damaged>>> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MAX_THREADS).min(found.len() / FILES_PER_THREAD).max(1);
    let read = |files: &[FoundFile]| files.iter().map(|file| TaskFile::read(root, top, file)).collect::<Vec<_>>();
    if threads == 1 {
        return read(found);
    }
    thread::scope(|scope| {
        let chunks = found.chunks(found.len().div_ceil(threads));
        let readers: Vec<_> = chunks.map(|files| scope.spawn(move || read(files))).collect();
        readers.into_iter().flat_map(|reader| reader.join().unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
    })
}

fn listed(task: &ListedTask, source: usize, warnings: &mut Vec<Warning>) -> TaskDraft {
    let status = TaskStatus::parse(&task.status);
    if status.is_none() && !task.status.trim().is_empty() {
        let message = format!("task `{}` of the manifest: unknown status `{}`", task.id, task.status.escape_debug());
        let problem = Problem::warning(message).hint(statuses());
        warnings.push(Warning { kind: WarningKind::UnknownStatus, problem });
    }
    let title = if task.title.trim().is_empty() { task.id.to_string() } else { one_line(&task.title) };
    TaskDraft {
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
        stem: String::new(),
        aliases: Vec::new(),
        parent: task.parent.as_ref().map(TaskId::to_string).unwrap_or_default(),
        depends_on: task.depends_on.iter().map(TaskId::to_string).collect(),
        head: Arc::from(""),
        block: 0..0,
        declared_in: None,
    }
}
