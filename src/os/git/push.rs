//! Pushes one branch to its remote, never by force and nothing else.

use std::path::Path;

use crate::os::git::error::GitError;
use crate::os::git::{answer, command, said, wary};

/// The remote that `branch` is pushed to: its own, that of `remote.pushDefault`, `origin`, or the only one.
pub fn push_remote(repository: &Path, branch: &str) -> Result<Option<String>, GitError> {
    for key in [&format!("branch.{branch}.pushRemote"), "remote.pushDefault", &format!("branch.{branch}.remote")] {
        // `.` is this repository.
        if let Some(remote) = answer(wary(repository).args(["config", "--get", key]), repository)?
            && remote != "."
        {
            return Ok(Some(remote));
        }
    }
    let remotes = String::from_utf8_lossy(&said(wary(repository).arg("remote"), "remote", repository)?).into_owned();
    let remotes: Vec<&str> = remotes.lines().collect();
    let only = if let [only] = remotes.as_slice() { Some(*only) } else { None };
    Ok(remotes.iter().copied().find(|remote| *remote == "origin").or(only).map(str::to_owned))
}

/// The arguments of git that push `branch`. They override settings that would push more, or by force.
pub fn push_arguments(remote: &str, branch: &str) -> Vec<String> {
    let branch = format!("refs/heads/{branch}:refs/heads/{branch}");
    ["push", "--no-follow-tags", "--recurse-submodules=check", "--", remote, &branch].map(str::to_owned).to_vec()
}

/// Fails if the remote has commits of the branch that are not here, or refuses.
pub fn push_branch(repository: &Path, remote: &str, branch: &str) -> Result<(), GitError> {
    said(command(repository).args(push_arguments(remote, branch)), "push", repository).map(drop)
}
