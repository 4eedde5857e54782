//! The changes of a task: its worktree compared with the commit where it left its base.

use std::path::{Path, PathBuf};

use crate::lifecycle::project::Project;
use crate::lifecycle::worktree::task_worktree;
use crate::lifecycle::worktree::work::{self, WorkError};
use crate::model::names::TaskId;
use crate::os::git::{Base, CheckoutChanges, CheckoutDiff};
use crate::tasks::{Task, TaskSet};
use crate::view::work_view::{DiffView, FileView};

pub use crate::os::git::DiffFormat;

#[derive(Debug)]
pub struct TaskDiff {
    task: TaskId,
    path: PathBuf,
    branch: String,
    base: String,
    since: String,
    diff: CheckoutDiff,
}

/// Fails if the task has no worktree or its base is no commit.
pub fn work(project: &Project, tasks: &TaskSet, task: &Task) -> Result<TaskDiff, WorkError> {
    let worktree = work::existing_work_of(project, tasks, task)?;
    let base = task_worktree::base_of(project, &worktree)?;
    let root = project.known_repository()?.folder_for_git();
    let since = Base::find(root, &base)?.fork_point(&worktree.path, &base)?;
    let diff = CheckoutDiff::new(&worktree.path, since.clone())?;
    let (path, branch) = (worktree.path, worktree.branch);
    Ok(TaskDiff { task: task.id.clone(), path, branch, base, since, diff })
}

impl TaskDiff {
    /// Lets git print the diff to stdout. Fails if git does.
    pub fn show(&self, how: DiffFormat) -> Result<(), WorkError> {
        Ok(self.diff.show(how)?)
    }

    /// The diff as data, with at most `most` bytes of the patch.
    pub fn view(&self, most: usize) -> Result<DiffView, WorkError> {
        let CheckoutChanges { files, patch, cut } = self.diff.changes(most)?;
        let name = |path: &Path| path.to_string_lossy().into_owned();
        let files: Vec<FileView> = files
            .iter()
            .map(|file| FileView {
                path: name(&file.path),
                from: file.from.as_deref().map(name),
                added: file.lines.map(|(added, _)| added),
                removed: file.lines.map(|(_, removed)| removed),
                binary: file.lines.is_none(),
                untracked: self.diff.is_untracked(&file.path),
            })
            .collect();
        Ok(DiffView {
            task: self.task.to_string(),
            path: self.path.clone(),
            branch: self.branch.clone(),
            base: self.base.clone(),
            merge_base: self.since.clone(),
            added: files.iter().filter_map(|file| file.added).sum(),
            removed: files.iter().filter_map(|file| file.removed).sum(),
            files,
            patch: (most > 0).then(|| String::from_utf8_lossy(&patch).into_owned()),
            truncated: cut,
        })
    }
}
