//! Computes what a branch and its base give together, in a temporary checkout with a detached HEAD.
//!
//! Creates commits only: no branch and no other checkout changes. The user's hooks run, as with git itself, and may
//! refuse.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::model::worktree_look::Names;
use crate::os::git::base::resolve;
use crate::os::git::error::GitError;
use crate::os::git::{command, output, said, wary};

/// How the commits of a branch come into its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMethod {
    /// A merge commit, or none if the base has no commit of its own.
    Merge,
    /// One new commit with all changes.
    Squash,
    /// The commits, repeated on the base.
    Rebase,
}

/// Both sides are commit ids.
#[derive(Clone, Copy, Debug)]
pub struct MergeInput<'a> {
    pub repository: &'a Path,
    /// Folder of the temporary checkout. What an interrupted merge left there is removed.
    pub scratch: &'a Path,
    pub base: &'a str,
    pub branch: &'a str,
    pub method: MergeMethod,
    pub message: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeOutcome {
    /// The base has everything already.
    Nothing,
    /// The branch itself: the base has no commit of its own.
    FastForward,
    /// The id of the new commit, a descendant of the base.
    Made(String),
    /// The files that both sides changed.
    Conflict(Names),
}

/// Fails if git or a hook refuses.
pub fn compute_merge(input: MergeInput<'_>) -> Result<MergeOutcome, GitError> {
    let MergeInput { repository, base, branch, method, message, .. } = input;
    if is_ancestor(repository, branch, base)? {
        return Ok(MergeOutcome::Nothing);
    }
    if method != MergeMethod::Squash && is_ancestor(repository, base, branch)? {
        return Ok(MergeOutcome::FastForward);
    }
    let start = if method == MergeMethod::Rebase { branch } else { base };
    let checkout = ScratchCheckout::create(repository, input.scratch, start)?;
    let done = match method {
        MergeMethod::Merge => checkout.run("merge", &["--no-ff", "--no-edit", "-m", message, branch])?,
        MergeMethod::Squash => checkout.run("merge", &["--squash", "--ff", branch])?,
        MergeMethod::Rebase => checkout.run("rebase", &[base])?,
    };
    if let Err(failed) = done {
        let conflicts = checkout.conflicts()?;
        return if conflicts.count > 0 { Ok(MergeOutcome::Conflict(conflicts)) } else { Err(failed) };
    }
    if method == MergeMethod::Squash && checkout.has_changes()? {
        checkout.run("commit", &["-m", message])??;
    }
    match resolve(&checkout.path, "HEAD")? {
        Some(head) if head != base => Ok(MergeOutcome::Made(head)),
        _ => Ok(MergeOutcome::Nothing),
    }
}

/// Whether `descendant` contains the commit `ancestor`.
pub fn is_ancestor(repository: &Path, ancestor: &str, descendant: &str) -> Result<bool, GitError> {
    let mut command = wary(repository);
    Ok(output(command.args(["merge-base", "--is-ancestor", ancestor, descendant]), repository)?.status.success())
}

/// The first lines of the commits of `branch` that `base` does not have, the oldest first, at most `most`.
pub fn subjects(repository: &Path, base: &str, branch: &str, most: usize) -> Result<Vec<String>, GitError> {
    let mut log = wary(repository);
    log.args(["log", "--no-merges", "--format=%s", &format!("--max-count={most}"), branch, "--not", base, "--"]);
    let text = said(&mut log, "log", repository)?;
    Ok(String::from_utf8_lossy(&text).lines().rev().map(str::to_owned).collect())
}

/// Whether two commits record different commits of a submodule.
pub fn changes_submodules(repository: &Path, from: &str, to: &str) -> Result<bool, GitError> {
    let mut diff = wary(repository);
    let list = said(diff.args(["diff-tree", "-r", "--raw", from, to]), "diff-tree", repository)?;
    let is_submodule =
        |line: &[u8]| line.starts_with(b":160000 ") || line.get(8..).is_some_and(|to| to.starts_with(b"160000 "));
    Ok(list.split(|byte| *byte == b'\n').any(is_submodule))
}

/// Removed when it is dropped.
struct ScratchCheckout {
    repository: PathBuf,
    path: PathBuf,
}

impl ScratchCheckout {
    /// Checks out `commit` at `path`. Runs no hook.
    fn create(repository: &Path, path: &Path, commit: &str) -> Result<Self, GitError> {
        let checkout = Self { repository: repository.to_owned(), path: path.to_owned() };
        checkout.remove();
        let mut add = wary(repository);
        // Forced twice: git may have a missing or locked checkout on record here, of a merge that was killed.
        add.args(["-c", "submodule.recurse=false", "worktree", "add", "--quiet", "--force", "--force", "--detach"]);
        said(add.arg("--").arg(path).arg(commit), "worktree add", repository)?;
        Ok(checkout)
    }

    fn remove(&self) {
        let mut remove = wary(&self.repository);
        remove.args(["worktree", "remove", "--force", "--force", "--"]).arg(&self.path);
        // It fails if git has no checkout on record here, or not all of it is there.
        let _ = output(&mut remove, &self.repository);
        let _ = fs::remove_dir_all(&self.path);
    }

    fn git(&self) -> Command {
        let mut git = command(&self.path);
        // Settings of the user that would move a branch, stash something or open an editor.
        for setting in [
            "rebase.updateRefs=false",
            "rebase.autoSquash=false",
            "rebase.autoStash=false",
            "merge.autoStash=false",
            "submodule.recurse=false",
            "core.quotePath=false",
        ] {
            git.args(["-c", setting]);
        }
        git.env("GIT_EDITOR", "true").env("GIT_SEQUENCE_EDITOR", "true");
        git
    }

    /// The inner error: git or a hook refused, or there is a conflict.
    fn run(&self, action: &'static str, args: &[&str]) -> Result<Result<(), GitError>, GitError> {
        let mut git = self.git();
        git.arg(action).arg("--quiet").args(args);
        let done = output(&mut git, &self.path)?;
        if done.status.success() {
            return Ok(Ok(()));
        }
        let stderr = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        Ok(Err(GitError::Failed { command: action, stderr }))
    }

    fn conflicts(&self) -> Result<Names, GitError> {
        let mut diff = self.git();
        let list = said(diff.args(["diff", "--name-only", "--diff-filter=U", "-z"]), "diff", &self.path)?;
        let mut names = Names::default();
        list.split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .for_each(|name| names.push(PathBuf::from(OsStr::from_bytes(name))));
        Ok(names)
    }

    fn has_changes(&self) -> Result<bool, GitError> {
        let mut diff = self.git();
        Ok(!output(diff.args(["diff", "--cached", "--quiet", "HEAD"]), &self.path)?.status.success())
    }
}

impl Drop for ScratchCheckout {
    fn drop(&mut self) {
        self.remove();
    }
}
