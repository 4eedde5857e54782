//! Finds the worktree of a task independently of the mode.

use std::io;
use std::path::PathBuf;

use crate::lifecycle::launch::prepare::PrepareError;
use crate::lifecycle::project::Project;
use crate::lifecycle::worktree::task_worktree::{TaskWorktree, worktree_of};
use crate::model::names::TaskId;
use crate::model::run_spec::below;
use crate::model::worktree_look::Names;
use crate::os::gh::GhError;
use crate::os::git::{self, GitError};
use crate::plan::clean::Objection;
use crate::store::index::IndexError;
use crate::store::state_dir::StateDirError;
use crate::tasks::{Task, TaskSet};

#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error("the manifest has no `worktree:`, so a task's work cannot be told from other work")]
    NoWorktrees,
    #[error("task `{task}` has several worktrees: {}", named(.paths))]
    Several { task: TaskId, paths: Vec<PathBuf> },
    #[error("the worktree `{}` of task `{task}` does not exist", .path.display())]
    Missing { task: TaskId, path: PathBuf },
    #[error("`{}` is not a worktree of this repository", .0.display())]
    NotOurs(PathBuf),
    #[error("the worktree `{}` of task `{task}` stays:{}", .path.display(), reasons(.against))]
    Refused { task: TaskId, path: PathBuf, against: Vec<Objection> },
    #[error("task `{task}` has no branch `{branch}`")]
    NoBranch { task: TaskId, branch: String },
    #[error("`{branch}` was not merged into `{base}`; its worktree is `{}`:{}", .path.display(), reasons(.against))]
    MergeRefused { branch: String, base: String, path: PathBuf, against: Vec<Objection> },
    #[error("no pull request of `{branch}` into `{base}` was opened; its worktree is `{}`:{}", .path.display(), reasons(.against))]
    PullRequestRefused { branch: String, base: String, path: PathBuf, against: Vec<Objection> },
    #[error("`gh` was not found, and nothing was pushed; these commands do it")]
    NoGh { commands: Vec<String> },
    #[error("`{branch}` was pushed to `{remote}`, but no pull request was opened: {source}")]
    Gh { branch: String, remote: String, source: GhError },
    #[error("the first line of `{}` gives an empty title", .0.display())]
    NoTitle(PathBuf),
    #[error("`{branch}` conflicts with `{base}`, and both are as they were: {}", listed(.files))]
    Conflict { branch: String, base: String, path: PathBuf, files: Names },
    #[error("`worktree.check` {ended}, so `{branch}` was not merged: {}", shell_words::join(.words))]
    CheckFailed { branch: String, folder: PathBuf, words: Vec<String>, ended: String },
    #[error("`{branch}` got further commits while `worktree.check` ran, and was not merged")]
    Unchecked { branch: String, task: TaskId },
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    State(#[from] StateDirError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the worktree cannot be locked")]
    Io(#[from] io::Error),
}

fn named(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", ")
}

fn listed(names: &Names) -> String {
    let shown: Vec<String> = names.first.iter().map(|name| name.display().to_string()).collect();
    let more = if names.count > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn reasons(against: &[Objection]) -> String {
    against.iter().map(|objection| format!("\n{objection}")).collect()
}

/// The worktree of `task`. If its path depends on the mode: the one that contains the working directory, else the
/// only one that exists. Fails if there are several or no `worktree:`.
pub fn work_of(project: &Project, tasks: &TaskSet, task: &Task) -> Result<TaskWorktree, WorkError> {
    let mut found: Vec<TaskWorktree> = Vec::new();
    for mode in project.manifest.modes.values() {
        let Some(worktree) = worktree_of(project, tasks, mode, task)? else { return Err(WorkError::NoWorktrees) };
        if !found.iter().any(|known| known.path == worktree.path) {
            found.push(worktree);
        }
    }
    if found.len() > 1 {
        let around = project.checkouts_here();
        let is_here = |worktree: &TaskWorktree| around.contains(&git::resolved(&worktree.path));
        match found.iter().position(is_here) {
            Some(here) => found = vec![found.swap_remove(here)],
            None => found.retain(|worktree| worktree.path.symlink_metadata().is_ok()),
        }
    }
    if found.len() > 1 {
        let paths = found.into_iter().map(|worktree| worktree.path).collect();
        return Err(WorkError::Several { task: task.id.clone(), paths });
    }
    found.pop().ok_or(WorkError::NoWorktrees)
}

/// As [`work_of`]; also fails if the worktree does not exist or belongs to another repository.
pub fn existing_work_of(project: &Project, tasks: &TaskSet, task: &Task) -> Result<TaskWorktree, WorkError> {
    let worktree = work_of(project, tasks, task)?;
    if worktree.path.symlink_metadata().is_err() {
        return Err(WorkError::Missing { task: task.id.clone(), path: worktree.path });
    }
    if !git::is_checkout_of(project.known_repository()?.common(), &worktree.path) {
        return Err(WorkError::NotOurs(worktree.path));
    }
    Ok(worktree)
}

/// The folder of the worktree that corresponds to the manifest's folder; the worktree itself if its branch has none.
pub fn folder_in(project: &Project, worktree: &TaskWorktree) -> PathBuf {
    let folder = below(&worktree.path, &project.below);
    if folder.is_dir() { folder } else { worktree.path.clone() }
}
