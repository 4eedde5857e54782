//! One task file: its head is read and split, then becomes a draft of a task. In between, the `id` template of a
//! `tasks:` entry is rendered for all files at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::model::names::TaskId;
use crate::model::problem::Problem;
use crate::model::text_lines::lines;
use crate::tasks::body::{heading, in_fence};
use crate::tasks::field_names as names;
use crate::tasks::fields::FrontMatterFields;
use crate::tasks::find::FoundFile;
use crate::tasks::front_matter::{self, Form, MetaError, Split, Unclosed, plain, split};
use crate::tasks::ids::{self, OVERVIEW, Stem};
use crate::tasks::lenient::id_of_broken;
use crate::tasks::open::{HEAD_MAX, TaskFileError, open, read_upto, text_of};
use crate::tasks::task::{Content, Task};
use crate::tasks::warnings::Warning;

/// In bytes; enough for most front matters.
const FIRST_READ: usize = 4 << 10;

/// A task as its own source describes it. References to other tasks are still text.
#[derive(Debug)]
pub(super) struct TaskDraft {
    pub(super) task: Task,
    /// The index of its source, for a stable order.
    pub(super) source: usize,
    /// The id from its file's name; empty without a file.
    pub(super) stem: String,
    /// Other names of the task: its file's whole name, and an id that was replaced.
    pub(super) aliases: Vec<String>,
    pub(super) parent: String,
    pub(super) depends_on: Vec<String>,
    pub(super) head: Arc<str>,
    pub(super) block: Range<usize>,
    /// The subtask file that contains it.
    pub(super) declared_in: Option<PathBuf>,
}

/// An unusable file, with the ids it would have had.
#[derive(Debug)]
pub(super) struct Damaged {
    pub(super) ids: Vec<String>,
    pub(super) path: PathBuf,
    pub(super) reason: String,
    /// `None` if the problem was reported already.
    pub(super) problem: Option<Problem>,
}

#[derive(Debug)]
pub(super) struct TaskFile {
    path: PathBuf,
    /// Resolved.
    real: PathBuf,
    stem: Stem,
    head: Arc<str>,
    block: Range<usize>,
    meta: BTreeMap<String, Value>,
    /// The first heading, if it is the title.
    heading: String,
}

impl Damaged {
    fn new(ids: Vec<String>, path: &Path, problem: Problem) -> Box<Self> {
        Box::new(Self { ids, path: path.to_owned(), reason: problem.message.clone(), problem: Some(problem) })
    }
}

impl TaskFile {
    /// Reads the head of a file below `root`; `top` is `root` resolved.
    pub(super) fn read(root: &Path, top: &Path, found: &FoundFile) -> Result<Self, Box<Damaged>> {
        // An overview directly in the root has the root's name, which may be given as `.`.
        let named = match found.path.strip_prefix(root) {
            Ok(below) if below.parent() == Some(Path::new("")) => top.join(below),
            _ => found.path.clone(),
        };
        let stem = ids::stem(&named);
        let damaged = |head: &str, problem: Problem| {
            let mut ids = vec![stem.id.clone()];
            ids.extend(id_of_broken(head).filter(|id| *id != stem.id && *id != OVERVIEW).map(str::to_owned));
            Damaged::new(ids, &found.path, problem)
        };
        let (text, whole, parts) = split_file(found).map_err(|failed| damaged(&failed.0, failed.1))?;
        let head: Arc<str> = Arc::from(text.get(..parts.block.end).unwrap_or_default());
        let block = head.get(parts.block.clone()).unwrap_or_default();
        let meta = front_matter::read(parts.form, block)
            .map_err(|error| damaged(block, unreadable(error, found, &head, &parts)))?;
        let (path, real) = (found.path.clone(), found.real.clone());
        let mut file = Self { path, real, stem, head, block: parts.block, meta, heading: String::new() };
        if file.fields().text(names::TITLE).is_empty() {
            file.heading =
                parts.title.unwrap_or_else(|| first_heading(text.get(parts.body..).unwrap_or_default(), whole));
        }
        Ok(file)
    }

    /// The variables of an `id` template for a file below `root`.
    pub(super) fn context(&self, root: &Path) -> Value {
        let path = self.path.strip_prefix(root).unwrap_or(&self.path);
        let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let dir = path.parent().unwrap_or(Path::new("")).to_string_lossy().into_owned();
        serde_json::json!({
            "file": { "path": path.to_string_lossy(), "stem": self.stem.id, "dir": dir, "parts": parts },
            "meta": self.meta,
        })
    }

    /// The task with the id that a template `made`, else its own id, else its file's name. References to other tasks
    /// are not resolved.
    pub(super) fn into_draft(
        self,
        made: Option<Result<String, String>>,
        warnings: &mut Vec<Warning>,
    ) -> Result<TaskDraft, Box<Damaged>> {
        let mut fields = self.fields();
        let own = Some(fields.text(names::ID));
        let own = own.filter(|id| !(id.is_empty() || self.stem.is_overview && id == OVERVIEW));
        let id = self.id(own.as_deref(), made, &fields)?;
        let mut title = fields.text(names::TITLE);
        for other in [&self.heading, self.stem.title.as_ref().unwrap_or(&self.stem.whole)] {
            if title.is_empty() {
                title.clone_from(other);
            }
        }
        let (status, status_text) = fields.status();
        let mut aliases = vec![self.stem.whole.clone(), self.stem.id.clone()];
        aliases.extend(own);
        aliases.retain(|alias| alias != id.as_str());
        aliases.dedup();
        let task = Task {
            id,
            title: one_line(&title),
            status,
            status_text,
            kind: fields.text(names::KIND),
            priority: fields.text(names::PRIORITY),
            area: fields.text(names::AREA),
            tags: fields.list(names::TAGS),
            assignee: fields.joined(names::ASSIGNEE),
            parent: None,
            subtasks: Vec::new(),
            order: self.stem.order,
            depends_on: Vec::new(),
            path: Some(self.path.clone()),
            declared: None,
            is_overview: self.stem.is_overview,
            meta: BTreeMap::new(),
            content: Content::File(self.real.clone()),
        };
        let (parent, depends_on) = (fields.text(names::PARENT), fields.list(names::DEPENDS_ON));
        warnings.append(&mut fields.warnings);
        let Self { meta, head, block, stem, .. } = self;
        let task = Task { meta, ..task };
        Ok(TaskDraft { task, source: 0, stem: stem.id, aliases, parent, depends_on, head, block, declared_in: None })
    }

    fn id(
        &self,
        own: Option<&str>,
        made: Option<Result<String, String>>,
        fields: &FrontMatterFields<'_>,
    ) -> Result<TaskId, Box<Damaged>> {
        let of_template = |message: String| {
            Damaged::new(vec![self.stem.id.clone()], &self.path, Problem::error(message).in_file(&self.path))
        };
        match made {
            Some(Err(error)) => Err(of_template(format!("the `id` of its `tasks:` entry fails here: {error}"))),
            Some(Ok(made)) => TaskId::parse(made.trim()).map_err(|error| {
                of_template(format!("the `id` of its `tasks:` entry makes an invalid task id of this file: {error}"))
            }),
            None => TaskId::parse(own.unwrap_or(&self.stem.id)).map_err(|error| {
                let problem = Problem::error(format!("invalid task id: {error}"))
                    .hint("rename the file, or give it an `id` of letters, digits, `_`, `-` and dots inside");
                let problem = match own {
                    Some(_) => fields.place(problem, names::ID),
                    None => problem.in_file(&self.path),
                };
                Damaged::new(vec![own.unwrap_or(&self.stem.id).to_owned()], &self.path, problem)
            }),
        }
    }

    fn fields(&self) -> FrontMatterFields<'_> {
        let (meta, path, head) = (&self.meta, self.path.as_path(), &self.head);
        FrontMatterFields { meta, path, head, block: self.block.clone(), warnings: Vec::new() }
    }
}

/// The problem of an unreadable front matter.
fn unreadable(error: MetaError, found: &FoundFile, head: &Arc<str>, parts: &Split) -> Problem {
    let MetaError { message, at, write } = error;
    let problem = Problem::error(format!("front matter: {message}"));
    let start = parts.block.start;
    let at = at.unwrap_or(0..0);
    let problem = problem.at(&found.path, head, start + at.start, start + at.end);
    let block = head.get(parts.block.clone()).unwrap_or_default();
    match write {
        Some(line) => problem.hint(format!("put the value in quotes: `{line}`")),
        None if parts.form == Form::Yaml && block.lines().any(|line| line.contains(" = ")) => {
            problem.hint("TOML stands between `+++` lines")
        }
        None => problem,
    }
}

/// The start of a file, whether it is the whole file, and its parts; else the text that was read, and the problem.
fn split_file(found: &FoundFile) -> Result<(String, bool, Split), Box<(String, Problem)>> {
    let failed = |error: TaskFileError| Box::new((String::new(), error.into_problem(&found.path)));
    let (mut file, size) = open(&found.real).map_err(failed)?;
    let mut bytes = Vec::new();
    let mut upto = FIRST_READ;
    loop {
        let whole = read_upto(&mut file, size, &mut bytes, upto).map_err(failed)?;
        let text = text_of(&bytes, whole).map_err(failed)?;
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
                return Err(Box::new((text.to_owned(), problem.hint(format!("end it with a line `{mark}`")))));
            }
        };
        return Ok((text.to_owned(), whole, parts));
    }
}

/// The first heading in the part of the body that was read; empty if there is none.
fn first_heading(body: &str, whole: bool) -> String {
    let end = if whole { body.len() } else { body.rfind('\n').unwrap_or(0) };
    let mut fence = None;
    let mut outside = lines(&body[..end], 0).filter(|(_, line)| !in_fence(&mut fence, line));
    outside.find_map(|(_, line)| heading(line)).map(|(_, text)| text.to_owned()).unwrap_or_default()
}

/// A title on one line.
pub(super) fn one_line(text: &str) -> String {
    if text.contains('\n') { text.split_whitespace().collect::<Vec<_>>().join(" ") } else { text.to_owned() }
}
