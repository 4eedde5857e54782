//! Takes a worktree or a branch away, as git allows it: never by force.

use std::path::Path;

use crate::system::git::error::GitError;
use crate::system::git::{said, wary};

/// `git worktree remove`: git itself looks once more whether anything in it would be lost.
pub fn remove_worktree(repository: &Path, path: &Path) -> Result<(), GitError> {
    said(wary(repository).args(["worktree", "remove", "--"]).arg(path), "worktree remove", repository).map(drop)
}

/// `git branch -d`: git refuses where its commits are not where it counts as merged.
pub fn delete_branch(repository: &Path, branch: &str) -> Result<(), GitError> {
    said(wary(repository).args(["branch", "-d", "--", branch]), "branch -d", repository).map(drop)
}
