//! Fetches the base of a new branch from its remote, within a time limit, and chooses the commit to start from.
//!
//! Must not move a local branch: only remote-tracking branches change.

use std::path::Path;
use std::time::Duration;

use crate::os::git::base::{Base, resolve, upstream_of};
use crate::os::git::error::GitError;
use crate::os::git::{answer, command, run_within, said, wary};
use crate::os::process::bounded::ChildLimits;

/// The set-up fails if the remote does not answer within this time.
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of output that are read.
const OUTPUT_MAX: usize = 1 << 20;

/// A branch of a remote, as arguments of `git fetch`.
#[derive(Debug, PartialEq, Eq)]
struct RemoteBranch {
    remote: String,
    /// `main` or `refs/heads/main`.
    branch: String,
}

/// Fetches `base` and returns what a new branch starts from: the fetched branch if the local one has no commits of its
/// own, else the local one. `log` gets git's output. Fails if git cannot fetch within the time limit.
pub(super) fn fetch_base(repository: &Path, base: &str, log: &mut dyn FnMut(&str)) -> Result<String, GitError> {
    let from = remote_branch(repository, base)?;
    log(&format!("+ git fetch {} {}", from.remote, from.branch));
    fetch(repository, &from, log)?;
    let Some(upstream) = upstream_of(repository, base)? else { return Ok(base.to_owned()) };
    let (own, fetched) = (resolve(repository, base)?, resolve(repository, &upstream)?);
    match (own, fetched) {
        (None, Some(_)) => Ok(upstream),
        (Some(own), Some(fetched)) if own != fetched => {
            if Base::only(fetched).lacks(repository, &own, false)? == 0 {
                return Ok(upstream);
            }
            log(&format!("`{base}` has commits that `{upstream}` has not: the branch starts from `{base}`"));
            Ok(base.to_owned())
        }
        _ => Ok(base.to_owned()),
    }
}

fn fetch(repository: &Path, from: &RemoteBranch, log: &mut dyn FnMut(&str)) -> Result<(), GitError> {
    let mut fetch = command(repository);
    // Submodules are filled in the worktree, if the manifest asks for it.
    fetch.args(["fetch", "--no-recurse-submodules", "--", &from.remote, &from.branch]);
    let limits = ChildLimits { time: PATIENCE, output: OUTPUT_MAX };
    let done = run_within(&mut fetch, "fetch", repository, b"", limits)?;
    done.stderr.lines().for_each(log);
    if done.status.success() {
        return Ok(());
    }
    Err(GitError::Failed { command: "fetch", stderr: done.stderr })
}

/// The source to fetch `base` from: its upstream, else the branch of its name on `origin` or on the only remote.
fn remote_branch(repository: &Path, base: &str) -> Result<RemoteBranch, GitError> {
    let short = base.strip_prefix("refs/heads/").unwrap_or(base);
    let configured =
        |key: &str| answer(wary(repository).args(["config", "--get", &format!("branch.{short}.{key}")]), repository);
    let remotes = said(wary(repository).arg("remote"), "remote", repository)?;
    let remotes = String::from_utf8_lossy(&remotes).into_owned();
    let remotes: Vec<&str> = remotes.lines().collect();
    if let (Some(remote), Some(branch)) = (configured("remote")?, configured("merge")?)
// `.` is this repository.
        && remote != "."
    {
        return Ok(RemoteBranch { remote, branch });
    }
    let tracking = short.strip_prefix("refs/remotes/").unwrap_or(short);
    let by_name = remotes.iter().find_map(|remote| {
        let branch = tracking.strip_prefix(remote)?.strip_prefix('/')?;
        Some(RemoteBranch { remote: (*remote).to_owned(), branch: branch.to_owned() })
    });
    let origin = remotes.iter().find(|remote| **remote == "origin");
    let only = if let [only] = remotes.as_slice() { Some(only) } else { None };
    let by_default = || Some(RemoteBranch { remote: (*origin.or(only)?).to_owned(), branch: short.to_owned() });
    let none = || GitError::NoRemote { base: base.to_owned(), repository: repository.to_owned() };
    by_name.or_else(by_default).ok_or_else(none)
}
