//! Removes a worktree or a branch, if git permits it.

use std::path::Path;

use crate::os::git::error::GitError;
use crate::os::git::{said, wary};

/// Runs `git worktree remove`, which checks again whether anything would be lost.
///
/// git refuses every worktree that has repositories of submodules, whatever they contain. `with_submodules` forces the
/// removal: only for such a worktree, after an inspection of all its submodules found nothing that would be lost. git
/// still refuses a locked worktree.
pub fn remove_worktree(repository: &Path, path: &Path, with_submodules: bool) -> Result<(), GitError> {
    let mut command = wary(repository);
    command.args(["worktree", "remove"]);
    if with_submodules {
        command.arg("--force");
    }
    said(command.arg("--").arg(path), "worktree remove", repository).map(drop)
}

/// Runs `git branch -d`, which fails if commits of the branch are not merged.
pub fn delete_branch(repository: &Path, branch: &str) -> Result<(), GitError> {
    said(wary(repository).args(["branch", "-d", "--", branch]), "branch -d", repository).map(drop)
}

/// Deletes the branch if it is at `commit`: whoever calls this knows that the commit's changes exist elsewhere.
pub fn delete_branch_at(repository: &Path, branch: &str, commit: &str) -> Result<(), GitError> {
    let name = format!("refs/heads/{branch}");
    said(wary(repository).args(["update-ref", "-d", &name, commit]), "update-ref -d", repository).map(drop)
}
