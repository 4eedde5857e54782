//! Cleans up after all tasks whose branch is merged into its base.
//!
//! A branch that has had no commit of its own is not one of them: work on its task may be about to begin.

use std::collections::BTreeSet;
use std::path::Path;

use crate::lifecycle::project::Project;
use crate::lifecycle::worktree::clean::{self, CleanOptions, MERGED};
use crate::lifecycle::worktree::task_worktree;
use crate::lifecycle::worktree::work::{self, WorkError};
use crate::model::names::TaskId;
use crate::os::git;
use crate::tasks::{Task, TaskSet};
use crate::view::work_view::CleanView;

/// What was done for one task, or why nothing was.
pub type CleanedTask = (TaskId, Result<CleanView, WorkError>);

/// Cleans up after each task with a merged branch; what stands against one task does not stop the others. Fails if the
/// manifest has no `worktree:` or git fails.
pub fn clean_merged(
    project: &Project,
    tasks: &TaskSet,
    options: CleanOptions<'_>,
) -> Result<Vec<CleanedTask>, WorkError> {
    if project.manifest.worktree.is_none() {
        return Err(WorkError::NoWorktrees);
    }
    let root = project.known_repository()?.folder_for_git();
    let mut left = git::branches(root)?;
    let mut cleaned = Vec::new();
    for task in tasks.tasks() {
        match is_merged(project, tasks, task, root, &mut left) {
            Ok(false) => {}
            Ok(true) => cleaned.push((task.id.clone(), clean::clean(project, tasks, task, options))),
            Err(error) => cleaned.push((task.id.clone(), Err(error))),
        }
    }
    Ok(cleaned)
}

/// `left` has the branches that were not looked at: subtasks share the branch of their parent.
fn is_merged(
    project: &Project,
    tasks: &TaskSet,
    task: &Task,
    root: &Path,
    left: &mut BTreeSet<String>,
) -> Result<bool, WorkError> {
    let worktree = work::work_of(project, tasks, task)?;
    if !left.remove(&worktree.branch) {
        return Ok(false);
    }
    let base = task_worktree::base_of(project, &worktree)?;
    let is_base = base.strip_prefix("refs/heads/").unwrap_or(&base) == worktree.branch;
    Ok(!is_base
        && git::inspect_branch(root, &worktree.branch, &base)? == MERGED
        && git::has_own_commits(root, &worktree.branch)?)
}
