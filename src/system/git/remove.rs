//! Removes a worktree or a branch, as git allows it.

use std::path::Path;

use crate::system::git::error::GitError;
use crate::system::git::{said, wary};

/// `git worktree remove`: git itself looks once more whether anything in it would be lost.
///
/// git refuses every worktree that has repositories of submodules, whatever is in them, and looks no
/// further. `with_submodules` is for such a one alone, after all of it was looked into and nothing that
/// would be lost was found: git is then told not to look. A locked worktree is refused all the same.
pub fn remove_worktree(repository: &Path, path: &Path, with_submodules: bool) -> Result<(), GitError> {
    let mut command = wary(repository);
    command.args(["worktree", "remove"]);
    if with_submodules {
        command.arg("--force");
    }
    said(command.arg("--").arg(path), "worktree remove", repository).map(drop)
}

/// `git branch -d`: git refuses where its commits are not where it counts as merged.
pub fn delete_branch(repository: &Path, branch: &str) -> Result<(), GitError> {
    said(wary(repository).args(["branch", "-d", "--", branch]), "branch -d", repository).map(drop)
}
