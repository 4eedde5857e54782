//! Creates the worktree of a task, once.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::model::run_spec::WorktreeSpec;
use crate::os::git::base::behind;
use crate::os::git::checkout::{common_dir_of, git_dir_of, is_worktree, small_file};
use crate::os::git::error::GitError;
use crate::os::git::fetch::fetch_base;
use crate::os::git::pending_setup::{CreationLock, resolved, setup_is_pending};
use crate::os::git::repository::Repository;
use crate::os::git::{command, git, said};

/// Creates the worktree, on its branch if that exists, else on a new one from the base. An existing worktree is used
/// unchanged. Waits while another starter creates one in this repository. `log` gets git's output by line. Copies
/// nothing and runs no set-up: a new worktree is marked as pending until [`crate::os::git::PendingSetup`] is finished.
pub fn add_worktree(spec: &WorktreeSpec, log: &mut dyn FnMut(&str)) -> Result<(), GitError> {
    let repository = Repository::by_location(&spec.repository).map_err(Box::new)?;
    let repository = repository.ok_or_else(|| GitError::NotARepository(spec.repository.clone()))?;
    let common = repository.common().to_owned();
    match is_there(spec, &common) {
        // Another starter may be creating it.
        Ok(false) | Err(GitError::HalfMade(_)) => {}
        Ok(true) if setup_is_pending(&spec.path) => {}
        other => return other.map(|_| ()),
    }
    let mut creation = CreationLock::take(&common)?;
    // Another starter may have created it while we waited for the lock.
    if is_there(spec, &common)? {
        return Ok(());
    }
    creation.record(&spec.path)?;
    let added = add(spec, log);
    creation.finished(&spec.path)?;
    added
}

/// Whether the worktree exists. Fails if something else occupies its path.
pub(super) fn is_there(spec: &WorktreeSpec, common: &Path) -> Result<bool, GitError> {
    if fs::symlink_metadata(&spec.path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(false);
    }
    if !is_worktree(&spec.path) {
        return Err(GitError::Occupied(spec.path.clone()));
    }
    if common_dir_of(&spec.path).as_deref() != Some(common) {
        return Err(GitError::OtherRepository(spec.path.clone()));
    }
    // git locks a worktree with this reason until all its files are checked out.
    let locked = git_dir_of(&spec.path).and_then(|dir| small_file(&dir.join("locked")));
    if locked.is_some_and(|why| why.trim() == "initializing") {
        return Err(GitError::HalfMade(spec.path.clone()));
    }
    Ok(true)
}

fn add(spec: &WorktreeSpec, log: &mut dyn FnMut(&str)) -> Result<(), GitError> {
    let registered = registered(&spec.repository)?;
    let head = format!("refs/heads/{}", spec.branch);
    let wanted = resolved(&spec.path);
    let same_path = |entry: &Registered| entry.path == wanted;
    if let Some(other) = registered.iter().find(|entry| entry.branch.as_deref() == Some(&head) && !same_path(entry)) {
        return Err(GitError::CheckedOut { branch: spec.branch.clone(), at: other.path.clone() });
    }
    let exists = git(&spec.repository, &["show-ref", "--verify", "--quiet", &head].map(OsStr::new))?.status.success();
    let mut args = ["worktree", "add"].map(OsStr::new).to_vec();
    // git has the path on record, but the folder is missing: `--force` can lose nothing.
    if registered.iter().any(same_path) {
        args.push(OsStr::new("--force"));
    }
    let branch = OsStr::new(&spec.branch);
    let start = if exists { String::new() } else { start_of(spec, log)? };
    let (path, base) = (spec.path.as_os_str(), OsStr::new(&start));
    match exists {
        true => args.extend([OsStr::new("--"), path, branch]),
        false => args.extend([OsStr::new("--no-track"), OsStr::new("-b"), branch, OsStr::new("--"), path, base]),
    }
    let output = git(&spec.repository, &args)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    for line in String::from_utf8_lossy(&output.stdout).lines().chain(said.lines()) {
        log(line);
    }
    if !output.status.success() {
        return Err(GitError::Failed { command: "worktree add", stderr: said.trim().to_owned() });
    }
    Ok(())
}

/// The name or commit that the new branch starts from.
fn start_of(spec: &WorktreeSpec, log: &mut dyn FnMut(&str)) -> Result<String, GitError> {
    if spec.fetch {
        return fetch_base(&spec.repository, &spec.base, log);
    }
    if let Ok(Some(behind)) = behind(&spec.repository, &spec.base) {
        log(&format!("`{}` is {behind}; `worktree: {{ fetch: true }}` starts from there", spec.base));
    }
    Ok(spec.base.clone())
}

/// A worktree that git has on record; its folder may be missing.
pub(super) struct Registered {
    pub(super) path: PathBuf,
    /// `refs/heads/…`; `None` if HEAD is detached.
    pub(super) branch: Option<String>,
    /// The reason for the user's lock, empty if not given; `None` if it is not locked.
    pub(super) locked: Option<String>,
}

/// All checkouts of `repository`, the main one first.
pub(super) fn registered(repository: &Path) -> Result<Vec<Registered>, GitError> {
    let list = said(command(repository).args(["worktree", "list", "--porcelain"]), "worktree list", repository)?;
    let mut found: Vec<Registered> = Vec::new();
    for line in String::from_utf8_lossy(&list).lines() {
        if let Some(path) = line.strip_prefix("worktree ") {
            found.push(Registered { path: PathBuf::from(path), branch: None, locked: None });
        } else if let (Some(branch), Some(last)) = (line.strip_prefix("branch "), found.last_mut()) {
            last.branch = Some(branch.to_owned());
        } else if let (Some(why), Some(last)) = (line.strip_prefix("locked"), found.last_mut()) {
            last.locked = Some(why.trim().to_owned());
        }
    }
    Ok(found)
}
