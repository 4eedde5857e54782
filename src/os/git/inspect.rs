//! Inspects a task's worktree and branch: is it ours, is it clean, do all its commits exist elsewhere too?
//!
//! Decides nothing and changes nothing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::model::worktree_look::{BranchLook, LinkedLook, Names, Submodules, WorktreeState};
use crate::os::git::base::{Base, resolve};
use crate::os::git::checkout::small_file;
use crate::os::git::error::GitError;
use crate::os::git::pending_setup::resolved;
use crate::os::git::submodules::{has_stores, inspect_submodules};
use crate::os::git::worktree::registered;
use crate::os::git::{said, wary};

/// The state of the worktree `path`, as git in the main checkout `repository` records it.
pub fn inspect_worktree(repository: &Path, path: &Path) -> Result<WorktreeState, GitError> {
    let wanted = resolved(path);
    let exists = path.symlink_metadata().is_ok();
    let all = registered(repository)?;
    let index = all.iter().position(|entry| resolved(&entry.path) == wanted);
    Ok(match index {
        None if exists => WorktreeState::Foreign,
        None => WorktreeState::Absent,
        Some(0) => WorktreeState::Main,
        Some(_) if !exists => WorktreeState::Vanished(submodules_of(repository, path)?),
        Some(at) => {
            let Some(entry) = all.get(at) else { return Ok(WorktreeState::Absent) };
            let branch =
                entry.branch.as_deref().map(|name| name.strip_prefix("refs/heads/").unwrap_or(name).to_owned());
            let (changed, untracked, ignored) = status(path)?;
            let (locked, submodules) = (entry.locked.clone(), submodules_of(repository, path)?);
            WorktreeState::Linked(LinkedLook { branch, locked, changed, untracked, ignored, submodules })
        }
    })
}

/// The submodules of the linked worktree at `path`, whose folder may be missing.
fn submodules_of(repository: &Path, path: &Path) -> Result<Submodules, GitError> {
    let common = said(wary(repository).args(["rev-parse", "--git-common-dir"]), "rev-parse", repository)?;
    let common = repository.join(OsStr::from_bytes(&common));
    let Some(git_dir) = private_folder(&common, path) else { return Ok(Submodules::default()) };
    Ok(Submodules { present: has_stores(&git_dir), at_stake: inspect_submodules(path, &git_dir, &common)? })
}

/// The private git folder of the linked worktree at `path`, as the repository records it.
fn private_folder(common: &Path, path: &Path) -> Option<PathBuf> {
    let wanted = resolved(path);
    let folders = fs::read_dir(common.join("worktrees")).ok()?.flatten().map(|entry| entry.path());
    folders.into_iter().find(|folder| {
        let Some(text) = small_file(&folder.join("gitdir")) else { return false };
        let dot_git = folder.join(text.trim_end_matches('\n'));
        dot_git.parent().is_some_and(|checkout| resolved(checkout) == wanted)
    })
}

/// Names of changed, untracked and ignored files of the checkout at `path`. A submodule counts as changed only if
/// another commit is checked out; its contents are inspected separately.
pub(super) fn status(path: &Path) -> Result<(Names, Names, Names), GitError> {
    let (mut changed, mut untracked, mut ignored) = (Names::default(), Names::default(), Names::default());
    let mut command = wary(path);
    // A broken repository must not be mistaken for the one that contains it.
    command.env("GIT_CEILING_DIRECTORIES", path.parent().unwrap_or(path));
    command.args(["status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignored=traditional"]);
    command.args(["--ignore-submodules=dirty", "--no-renames"]);
    let text = said(&mut command, "status", path)?;
    for record in text.split(|byte| *byte == 0).filter(|record| record.len() > 3) {
        let (kind, name) = record.split_at(3);
        let name = PathBuf::from(OsStr::from_bytes(name));
        match kind {
            b"?? " => untracked.push(name),
            b"!! " => ignored.push(name),
            _ => changed.push(name),
        }
    }
    Ok((changed, untracked, ignored))
}

/// The commits that would be lost with `branch`. `base` is `worktree.base`.
pub fn inspect_branch(repository: &Path, branch: &str, base: &str) -> Result<BranchLook, GitError> {
    let Some(commit) = resolve(repository, &format!("refs/heads/{branch}"))? else { return Ok(BranchLook::Absent) };
    let base = match Base::find(repository, base) {
        Ok(base) => base,
        Err(GitError::NoBase { .. }) => return Ok(BranchLook::NoBase),
        Err(error) => return Err(error),
    };
    let unmerged = base.lacks(repository, &commit, false)?;
    let unpushed = if unmerged == 0 { 0 } else { base.lacks(repository, &commit, true)? };
    Ok(BranchLook::There { unmerged, unpushed })
}

/// Whether the branch was moved since it was created. Where git keeps no log of it, it counts as moved.
pub fn has_own_commits(repository: &Path, branch: &str) -> Result<bool, GitError> {
    let name = format!("refs/heads/{branch}");
    let log = said(wary(repository).args(["log", "--walk-reflogs", "--format=%H", &name, "--"]), "log", repository)?;
    let log = String::from_utf8_lossy(&log).into_owned();
    Ok(log.lines().last().is_none_or(|first| log.lines().any(|commit| commit != first)))
}
