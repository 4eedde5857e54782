//! Moves a branch to a descendant, once and only from the commit that it was at: by compare-and-swap, or by a
//! fast-forward in the checkout that has it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use crate::model::worktree_look::Names;
use crate::os::git::base::resolve;
use crate::os::git::error::GitError;
use crate::os::git::worktree::registered;
use crate::os::git::{command, output, said, wary};

/// The checkout that has `branch`, if any. One whose folder is missing does not count.
pub fn checkout_with(repository: &Path, branch: &str) -> Result<Option<PathBuf>, GitError> {
    let head = format!("refs/heads/{branch}");
    let has_it = registered(repository)?.into_iter().find(|entry| entry.branch.as_deref() == Some(&head));
    Ok(has_it.map(|entry| entry.path).filter(|path| path.exists()))
}

/// Tracked files of the checkout at `path` that are not as committed. Submodules do not count: a fast-forward leaves
/// their checkouts alone.
pub fn changed_files(path: &Path) -> Result<Names, GitError> {
    let mut status = wary(path);
    status.args(["status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=all", "--no-renames"]);
    let text = said(&mut status, "status", path)?;
    let mut names = Names::default();
    for record in text.split(|byte| *byte == 0).filter(|record| record.len() > 3) {
        names.push(PathBuf::from(OsStr::from_bytes(record.split_at(3).1)));
    }
    Ok(names)
}

/// Moves `branch` from the commit `old` to its descendant `new`; `reason` is for the reflog. Returns the checkout whose
/// files moved with it. Fails, and leaves branch and files as they were, if the branch is elsewhere by now, if git or a
/// hook refuses, or if an untracked or ignored file of the checkout would be overwritten.
pub fn advance_branch(
    repository: &Path,
    branch: &str,
    (old, new): (&str, &str),
    reason: &str,
) -> Result<Option<PathBuf>, GitError> {
    let checkout = checkout_with(repository, branch)?;
    let done = match &checkout {
        Some(path) => fast_forward(path, old, new),
        None => {
            let mut update = command(repository);
            update.args(["update-ref", "-m", reason, &format!("refs/heads/{branch}"), new, old]);
            said(&mut update, "update-ref", repository).map(drop)
        }
    };
    let now = resolve(repository, &format!("refs/heads/{branch}"))?;
    match done {
        Ok(()) => Ok(checkout),
        Err(_) if now.as_deref() == Some(new) => Ok(checkout),
        Err(_) if now.as_deref() != Some(old) => Err(GitError::BranchMoved { branch: branch.to_owned() }),
        Err(error) => Err(error),
    }
}

fn fast_forward(checkout: &Path, old: &str, new: &str) -> Result<(), GitError> {
    let mut merge = command(checkout);
    // Ctrl-C, which the whole foreground group gets, must not end git while it updates files.
    merge.process_group(0);
    merge.args(["merge", "--quiet", "--ff-only", "--no-squash", "--commit", "--no-overwrite-ignore", new]);
    let moved = said(&mut merge, "merge --ff-only", checkout);
    // git updates the files before the branch: if a hook refuses the new commit, they are back at `old` by this.
    let is_half_done =
        moved.is_err() && resolve(checkout, "HEAD")?.as_deref() == Some(old) && has_index(checkout, new)?;
    if is_half_done {
        said(command(checkout).args(["read-tree", "-m", "-u", new, old]), "read-tree", checkout)?;
    }
    moved.map(drop)
}

/// Whether the index of the checkout is the tree of `commit`.
fn has_index(checkout: &Path, commit: &str) -> Result<bool, GitError> {
    let mut diff = wary(checkout);
    diff.args(["diff-index", "--cached", "--quiet", "--ignore-submodules=none", commit, "--"]);
    Ok(output(&mut diff, checkout)?.status.success())
}
