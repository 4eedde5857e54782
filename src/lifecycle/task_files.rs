//! Writes task files: a new one, and the status of one that exists. Every other byte of a file stays as it is.
//!
//! A file is locked while it is changed, and replaced whole. Tasks of the manifest and of subtask files are not written.

use std::io;
use std::path::{Path, PathBuf};

use crate::lifecycle::project::{Project, project_store};
use crate::model::names::{NameError, TaskId};
use crate::model::task_source::TaskSource;
use crate::model::task_status::TaskStatus;
use crate::model::text_lines::lines;
use crate::os::text_file::{TextFile, TextFileError};
use crate::os::{clock, folder};
use crate::store::state_dir::StateDirError;
use crate::tasks::{self, FILE_MAX, FindError, NewTask, NewTaskFile, Task, TaskSet, TaskText};
use crate::view::task_view::{StatusChangeView, TaskView};

#[derive(Debug, thiserror::Error)]
pub enum TaskWriteError {
    #[error("task `{task}` has no file of its own: it is written in `{}`", .path.display())]
    NoFile { task: TaskId, path: PathBuf, line: usize, can_have_status: bool },
    #[error("the status of task `{task}` cannot be changed without changing more of `{}`", .path.display())]
    Entangled { task: TaskId, path: PathBuf, line: usize, spelled: String },
    #[error("`{}` is no task file any more", .0.display())]
    Unreadable(PathBuf),
    #[error("the title is empty")]
    NoTitle,
    #[error("invalid task id: {0}")]
    Id(#[from] NameError),
    #[error("there is a task `{task}` already: `{}`", .path.display())]
    Taken { task: TaskId, path: PathBuf },
    #[error("no `tasks:` entry lists files, so a new task has no place")]
    NoFiles,
    #[error("`{}` would not be listed: no `files:` entry of `tasks:` matches it", .0.display())]
    Unlisted(PathBuf),
    #[error("`{}` cannot be written: {source}", .path.display())]
    Text { path: PathBuf, source: TextFileError },
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    State(#[from] StateDirError),
    #[error("new task files cannot be locked")]
    Io(#[from] io::Error),
}

/// Sets the status of `task` to `status` in its file. Does nothing if it has that status. Fails if the task has no file
/// of its own, or if more than the status would change.
pub fn set_status(
    project: &Project,
    set: &TaskSet,
    task: &Task,
    status: TaskStatus,
) -> Result<StatusChangeView, TaskWriteError> {
    let path = path_of(project, task)?;
    let failed = |source| TaskWriteError::Text { path: path.to_owned(), source };
    let held = TextFile::hold(&project.manifest.root, path, FILE_MAX).map_err(failed)?;
    let bytes = held.bytes().unwrap_or_default().to_vec();
    let text = TaskText::read(&bytes).ok_or_else(|| TaskWriteError::Unreadable(path.to_owned()))?;
    let was = text.status();
    let view = |status: &str, changed| StatusChangeView {
        id: task.id.to_string(),
        path: path.to_owned(),
        status: status.to_owned(),
        was: was.clone(),
        changed,
    };
    if TaskStatus::parse(&was) == Some(status) {
        return Ok(view(&was, false));
    }
    let spelled = tasks::spelling(set, task, &text, status);
    let Some(changed) = text.with_status(&spelled) else {
        let line = text.status_line();
        return Err(TaskWriteError::Entangled { task: task.id.clone(), path: path.to_owned(), line, spelled });
    };
    held.replace(&changed).map_err(failed)?;
    Ok(view(&spelled, true))
}

/// What the user says about a new task.
#[derive(Clone, Copy, Debug)]
pub struct NewTaskOptions<'a> {
    pub title: &'a str,
    pub id: Option<&'a str>,
    /// The task beside whose file the new one is put, and whose form it has.
    pub like: Option<&'a str>,
}

/// Writes a file for a new task, and returns the task as it is listed. Fails if its id or its file is taken, or if it
/// would not be listed.
pub fn create(project: &Project, options: NewTaskOptions<'_>) -> Result<TaskView, TaskWriteError> {
    let title = options.title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() {
        return Err(TaskWriteError::NoTitle);
    }
    let id = options.id.map(TaskId::parse).transpose()?;
    let store = project_store::create(project, None)?;
    // From the search for a free id until the file is there.
    let _lock = store.state().lock_new_tasks()?;
    let set = project.tasks();
    if let Some(taken) = id.as_ref().and_then(|id| set.get(id)) {
        let path = taken.path.clone().unwrap_or_else(|| project.manifest.path.clone());
        return Err(TaskWriteError::Taken { task: taken.id.clone(), path });
    }
    let now = clock::local_minute(clock::now());
    let file = draft(project, &set, options.like, NewTask { title: &title, id: id.as_ref(), now: &now })?;
    write(project, &file)?;
    let set = project.tasks();
    let listed = set.tasks().iter().find(|task| task.path.as_ref() == Some(&file.path));
    listed.map(TaskView::new).ok_or(TaskWriteError::Unlisted(file.path))
}

fn draft(
    project: &Project,
    set: &TaskSet,
    like: Option<&str>,
    new: NewTask<'_>,
) -> Result<NewTaskFile, TaskWriteError> {
    let model = match like {
        Some(like) => Some(set.find(like)?),
        None => tasks::model_of(set),
    };
    let Some(model) = model else {
        let first = project.manifest.tasks.iter().find_map(|source| match source {
            TaskSource::Files(files) => Some(files.glob.as_str()),
            TaskSource::List(_) | TaskSource::Subtasks(_) => None,
        });
        return Ok(tasks::first_file(&project.manifest.root, first.ok_or(TaskWriteError::NoFiles)?, new));
    };
    let path = path_of(project, model)?;
    let bytes = read(project, path)?;
    let unreadable = || TaskWriteError::Unreadable(path.to_owned());
    let text = TaskText::read(&bytes).ok_or_else(unreadable)?;
    tasks::new_file(set, model, &text, new).ok_or_else(unreadable)
}

fn write(project: &Project, file: &NewTaskFile) -> Result<(), TaskWriteError> {
    let (root, path) = (&project.manifest.root, &file.path);
    if !tasks::is_listed(root, &project.manifest.tasks, path) {
        return Err(TaskWriteError::Unlisted(path.clone()));
    }
    if let Some(parent) = path.parent() {
        folder::create(parent)?;
    }
    let failed = |source| TaskWriteError::Text { path: path.clone(), source };
    let held = TextFile::hold(root, path, FILE_MAX).map_err(failed)?;
    match held.bytes() {
        Some(_) => Err(failed(TextFileError::Exists)),
        None => held.replace(file.text.as_bytes()).map_err(failed),
    }
}

/// The file of a task. Fails for a task that has none, with the line that a user can edit.
pub fn path_of<'a>(project: &Project, task: &'a Task) -> Result<&'a Path, TaskWriteError> {
    if let Some(path) = &task.path {
        return Ok(path);
    }
    let of_subtasks = project.manifest.tasks.iter().find_map(|source| match source {
        TaskSource::Subtasks(file) if file.tasks.iter().any(|step| step.id == task.id) => Some(file.path.clone()),
        _ => None,
    });
    let can_have_status = of_subtasks.is_none();
    let (path, text) = match of_subtasks {
        Some(path) => {
            let text = read(project, &path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            (path, text.unwrap_or_default())
        }
        None => (project.manifest.path.clone(), project.manifest.source.to_string()),
    };
    let line = lines(&text, 0).position(|(_, line)| names_id(line, task.id.as_str())).map_or(1, |at| at + 1);
    Err(TaskWriteError::NoFile { task: task.id.clone(), path, line, can_have_status })
}

/// Whether a line of YAML has the key `id` with this value.
fn names_id(line: &str, id: &str) -> bool {
    let values = line.match_indices("id").filter_map(|(at, key)| {
        let starts = line[..at].ends_with([' ', '{', ',', '-', '"', '\'']) || at == 0;
        let after = line[at + key.len()..].trim_start_matches(['"', '\'']).strip_prefix(':')?;
        starts.then(|| after.trim_start().trim_start_matches(['"', '\'']))
    });
    let ends = |rest: &str| rest.is_empty() || rest.starts_with([' ', ',', '}', '"', '\'']);
    values.into_iter().any(|value| value.strip_prefix(id).is_some_and(ends))
}

fn read(project: &Project, path: &Path) -> Result<Vec<u8>, TaskWriteError> {
    let held = TextFile::hold(&project.manifest.root, path, FILE_MAX);
    let held = held.map_err(|source| TaskWriteError::Text { path: path.to_owned(), source })?;
    Ok(held.bytes().unwrap_or_default().to_vec())
}
