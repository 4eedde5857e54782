//! Looks at a task's worktree and branch: is it ours, is it clean, is all of it somewhere else too?
//!
//! Decides nothing and changes nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::model::worktree_look::{BranchLook, LinkedLook, Standing};
use crate::system::git::base::{Base, resolve};
use crate::system::git::error::GitError;
use crate::system::git::pending::resolved;
use crate::system::git::worktree::registered;
use crate::system::git::{said, wary};

/// What stands at `path`, seen from the main checkout in `repository`.
pub fn look_at_worktree(repository: &Path, path: &Path) -> Result<Standing, GitError> {
    let wanted = resolved(path);
    let exists = path.symlink_metadata().is_ok();
    let all = registered(repository)?;
    let place = all.iter().position(|entry| resolved(&entry.path) == wanted);
    Ok(match place {
        None if exists => Standing::Foreign,
        None => Standing::Absent,
        Some(0) => Standing::Main,
        Some(_) if !exists => Standing::Vanished,
        Some(at) => {
            let Some(entry) = all.get(at) else { return Ok(Standing::Absent) };
            let branch =
                entry.branch.as_deref().map(|name| name.strip_prefix("refs/heads/").unwrap_or(name).to_owned());
            let look = LinkedLook { branch, locked: entry.locked.clone(), ..LinkedLook::default() };
            Standing::Linked(status(path, look)?)
        }
    })
}

fn status(path: &Path, mut look: LinkedLook) -> Result<LinkedLook, GitError> {
    let mut command = wary(path);
    command.args(["status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignored=traditional"]);
    command.args(["--ignore-submodules=none", "--no-renames"]);
    let text = said(&mut command, "status", path)?;
    for record in text.split(|byte| *byte == 0).filter(|record| record.len() > 3) {
        let (kind, name) = record.split_at(3);
        let name = PathBuf::from(OsStr::from_bytes(name));
        match kind {
            b"?? " => look.untracked.push(name),
            b"!! " => look.ignored.push(name),
            _ => look.changed.push(name),
        }
    }
    Ok(look)
}

/// What is to be known of `branch` before it goes. `base` is `worktree.base`.
pub fn look_at_branch(repository: &Path, branch: &str, base: &str) -> Result<BranchLook, GitError> {
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
