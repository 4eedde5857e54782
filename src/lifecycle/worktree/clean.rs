//! Removes a task's worktree and merged branch if everything in them also exists elsewhere.
//!
//! Holds the worktree's lock exclusively from inspection to removal; every start in it takes the lock shared. So a
//! run that starts meanwhile is either observed, or waits and then finds its folder missing. git is forced only if
//! it would refuse because of submodules, which were inspected.

use std::path::{Path, PathBuf};

use crate::lifecycle::project::{Project, project_store};
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::lifecycle::worktree::task_worktree::{self, TaskWorktree};
use crate::lifecycle::worktree::work::{self, WorkError};
use crate::model::names::Pair;
use crate::model::worktree_look::{BranchLook, Names, WorktreeState};
use crate::os::git;
use crate::plan::clean::{BranchEnd, Case, Cleaning, decide};
use crate::tasks::{Task, TaskSet};
use crate::view::work_view::CleanView;

/// A branch whose commits are all in its base.
pub(super) const MERGED: BranchLook = BranchLook::There { unmerged: 0, unpushed: 0 };

#[derive(Clone, Copy, Debug)]
pub struct CleanOptions<'a> {
    /// The user's folder, which must not be removed.
    pub here: &'a Path,
    /// Changes nothing.
    pub dry: bool,
    /// A commit whose changes were just merged: a branch that is at it counts as merged.
    pub merged: Option<&'a str>,
}

/// Cleans up after `task`; fails with every objection.
pub fn clean(
    project: &Project,
    tasks: &TaskSet,
    task: &Task,
    options: CleanOptions<'_>,
) -> Result<CleanView, WorkError> {
    let CleanOptions { here, dry, merged } = options;
    let worktree = work::work_of(project, tasks, task)?;
    let path = git::resolved(&worktree.path);
    let base = task_worktree::base_of(project, &worktree)?;
    let store = if dry { project_store::find(project)? } else { Some(project_store::create(project, None)?) };
    let lock = match &store {
        Some(store) if !dry => Some(store.state().own_worktree(&path)?),
        _ => None,
    };
    let root = project.known_repository()?.folder_for_git();
    let standing = git::inspect_worktree(root, &worktree.path)?;
    let tip = merged.filter(|merged| {
        git::resolve(root, &format!("refs/heads/{}", worktree.branch)).ok().flatten().as_deref() == Some(merged)
    });
    let branch_look = match tip {
        Some(_) => MERGED,
        None => git::inspect_branch(root, &worktree.branch, &base)?,
    };
    let runs = store.as_ref().map(|store| at_work_in(store, &path)).transpose()?.unwrap_or_default();
    let case = Case {
        path: &worktree.path,
        branch: &worktree.branch,
        base: &base,
        root,
        standing: &standing,
        branch_look,
        runs: &runs,
        is_here: git::resolved(here).starts_with(&path),
    };
    let cleaning = decide(&case).map_err(|against| WorkError::Refused {
        task: task.id.clone(),
        path: worktree.path.clone(),
        against,
    })?;
    let kept = if dry { None } else { carry_out(root, &worktree, cleaning, tip)? };
    drop(lock);
    Ok(view(task, (worktree, base), standing, cleaning, kept, dry))
}

/// Returns git's reason if the branch could not be deleted. `merged` is its commit if that was just merged.
fn carry_out(
    root: &Path,
    worktree: &TaskWorktree,
    cleaning: Cleaning,
    merged: Option<&str>,
) -> Result<Option<String>, WorkError> {
    if cleaning.remove_worktree {
        git::remove_worktree(root, &worktree.path, cleaning.with_submodules)?;
    }
    // The branch is merged into the base, but `git branch -d` may compare with its upstream or `HEAD` and refuse.
    let deleted = match (cleaning.branch, merged) {
        (BranchEnd::Deleted, Some(commit)) => git::delete_branch_at(root, &worktree.branch, commit),
        (BranchEnd::Deleted, None) => git::delete_branch(root, &worktree.branch),
        (BranchEnd::Absent | BranchEnd::Kept { .. } | BranchEnd::Left, _) => return Ok(None),
    };
    Ok(deleted.err().map(|error| error.to_string()))
}

fn view(
    task: &Task,
    (worktree, base): (TaskWorktree, String),
    standing: WorktreeState,
    cleaning: Cleaning,
    kept: Option<String>,
    dry: bool,
) -> CleanView {
    let ignored = match standing {
        WorktreeState::Linked(look) => look.ignored,
        WorktreeState::Absent | WorktreeState::Vanished(_) | WorktreeState::Foreign | WorktreeState::Main => {
            Names::default()
        }
    };
    let (branch_state, branch_reason) = match (cleaning.branch, kept) {
        (BranchEnd::Absent, _) => ("absent", None),
        (BranchEnd::Deleted, None) => ("deleted", None),
        (BranchEnd::Deleted, Some(words)) => ("kept", Some(words)),
        (BranchEnd::Kept { unmerged }, _) => {
            let commits = if unmerged == 1 { "commit is" } else { "commits are" };
            ("kept", Some(format!("{unmerged} {commits} not in `{base}`")))
        }
        (BranchEnd::Left, _) => ("kept", Some(format!("it cannot be compared with `{base}`"))),
    };
    CleanView {
        task: task.id.to_string(),
        path: worktree.path,
        branch: worktree.branch,
        dry_run: dry,
        removed: cleaning.remove_worktree,
        branch_state,
        branch_reason,
        ignored: ignored.first.iter().map(|name| name.to_string_lossy().into_owned()).collect(),
        ignored_count: ignored.count,
    }
}

/// Active runs of any task that work below `path` or will create it. Runs that cannot be observed count as active.
pub(super) fn at_work_in(store: &Store, path: &Path) -> Result<Vec<(Pair, &'static str)>, WorkError> {
    let is_below = |other: &PathBuf| git::resolved(other).starts_with(path);
    let mut found = Vec::new();
    for run in refresh::all(store)?.runs.iter().filter(|run| run.is_active()) {
        let makes =
            || store.folder(run.id()).read_spec().ok().and_then(|spec| spec.launch.worktree).map(|spec| spec.path);
        if is_below(&run.facts.cwd) || makes().is_some_and(|path| is_below(&path)) {
            found.push((run.pair(), run.state.as_str()));
        }
    }
    Ok(found)
}
