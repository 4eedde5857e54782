//! Removes a worktree or a branch, as git allows it.

use std::path::Path;

use crate::os::git::error::GitError;
use crate::os::git::{said, wary};

/// `git worktree remove`, which checks once more whether anything would be lost.
///
/// git refuses every worktree that has repositories of submodules, whatever is in them. `with_submodules` tells
/// it not to check: only for such a worktree, after all its submodules were inspected and nothing was found that
/// would be lost. A locked worktree is refused all the same.
pub fn remove_worktree(repository: &Path, path: &Path, with_submodules: bool) -> Result<(), GitError> {
    let mut command = wary(repository);
    command.args(["worktree", "remove"]);
    if with_submodules {
        command.arg("--force");
    }
    said(command.arg("--").arg(path), "worktree remove", repository).map(drop)
}

/// `git branch -d`, which refuses where commits of the branch are not merged.
pub fn delete_branch(repository: &Path, branch: &str) -> Result<(), GitError> {
    said(wary(repository).args(["branch", "-d", "--", branch]), "branch -d", repository).map(drop)
}
