//! The base that a task's work is compared with. A commit in the upstream of the base counts as part of the base, since
//! a local `main` may be old.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::os::git::error::GitError;
use crate::os::git::{answer, number, said, wary};

/// An existing base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The commit of the base, and that of its upstream if it has one.
    tips: Vec<String>,
}

impl Base {
    /// The base `name`, resolved in `repository`. Fails with [`GitError::NoBase`] if it does not exist.
    pub fn find(repository: &Path, name: &str) -> Result<Self, GitError> {
        let none = || GitError::NoBase { base: name.to_owned(), repository: repository.to_owned() };
        let own = resolve(repository, name)?.ok_or_else(none)?;
        let upstream = resolve(repository, &format!("{name}@{{upstream}}"))?;
        let mut tips = vec![own];
        tips.extend(upstream.filter(|upstream| !tips.contains(upstream)));
        Ok(Self { tips })
    }

    /// A single commit as base.
    pub(super) fn only(commit: String) -> Self {
        Self { tips: vec![commit] }
    }

    /// The last commit that the checkout at `path` shares with the base `name`. Fails with [`GitError::Unrelated`] if
    /// there is none.
    pub fn fork_point(&self, path: &Path, name: &str) -> Result<String, GitError> {
        let head = resolve(path, "HEAD")?;
        let unrelated = || GitError::Unrelated { path: path.to_owned(), base: name.to_owned() };
        let head = head.ok_or_else(unrelated)?;
        answer(wary(path).arg("merge-base").arg(head).args(&self.tips), path)?.ok_or_else(unrelated)
    }

    /// The number of commits of `branch` that are in none of the tips, nor (with `remotes`) on a remote.
    pub(super) fn lacks(&self, repository: &Path, branch: &str, remotes: bool) -> Result<u64, GitError> {
        let mut command = wary(repository);
        command.args(["rev-list", "--count", branch, "--not"]).args(&self.tips);
        if remotes {
            command.arg("--remotes");
        }
        number(&said(command.arg("--"), "rev-list", repository)?)
    }
}

/// How far a base is behind the remote branch that it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    pub commits: u64,
    /// `origin/main`.
    pub upstream: String,
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commits = if self.commits == 1 { "commit" } else { "commits" };
        write!(f, "{} {commits} behind `{}`", self.commits, self.upstream)
    }
}

/// How far `base` is behind its upstream (else the branch of its name on `origin`) as of the last fetch. `None` if it
/// is not behind or has neither.
pub fn behind(repository: &Path, base: &str) -> Result<Option<Behind>, GitError> {
    let Some(upstream) = upstream_of(repository, base)? else { return Ok(None) };
    let Some(own) = resolve(repository, base)? else { return Ok(None) };
    let commits = Base::only(own).lacks(repository, &upstream, false)?;
    Ok((commits > 0).then_some(Behind { commits, upstream }))
}

/// The remote-tracking branch that `base` follows, by its short name.
pub(super) fn upstream_of(repository: &Path, base: &str) -> Result<Option<String>, GitError> {
    let named = format!("{base}@{{upstream}}");
    let mut abbreviate = wary(repository);
    abbreviate.args(["rev-parse", "--abbrev-ref", "--verify", "--quiet", &named]);
    if let Some(upstream) = answer(&mut abbreviate, repository)? {
        return Ok(Some(upstream));
    }
    let short = base.strip_prefix("refs/heads/").unwrap_or(base);
    let same_name = format!("refs/remotes/origin/{short}");
    Ok(resolve(repository, &same_name)?.map(|_| format!("origin/{short}")))
}

/// The base of new branches if none is configured: the branch of `origin/HEAD`, by its local name if that exists; else
/// the branch of the main checkout, which may have no commit yet; else the main checkout's commit.
pub fn default_base(repository: &Path) -> Result<String, GitError> {
    let remote = answer(wary(repository).args(["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"]), repository)?;
    if let Some(name) = remote.as_deref().and_then(|head| head.strip_prefix("refs/remotes/origin/")) {
        if resolve(repository, &format!("refs/heads/{name}"))?.is_some() {
            return Ok(name.to_owned());
        }
        if resolve(repository, &format!("refs/remotes/origin/{name}"))?.is_some() {
            return Ok(format!("origin/{name}"));
        }
    }
    Ok(branch_of(repository)?.unwrap_or_else(|| "HEAD".to_owned()))
}

/// The branch of the main checkout, or of a bare repository; `None` if HEAD is detached.
pub fn branch_of(repository: &Path) -> Result<Option<String>, GitError> {
    let common = said(wary(repository).args(["rev-parse", "--git-common-dir"]), "rev-parse", repository)?;
    let common = repository.join(OsStr::from_bytes(&common));
    let mut of_main = wary(repository);
    of_main.arg("--git-dir").arg(&common).args(["symbolic-ref", "--quiet", "HEAD"]);
    let head = answer(&mut of_main, repository)?;
    Ok(head.map(|head| head.strip_prefix("refs/heads/").unwrap_or(&head).to_owned()))
}

/// The commit that `name` resolves to in `repository`, if any.
pub fn resolve(repository: &Path, name: &str) -> Result<Option<String>, GitError> {
    let mut command = wary(repository);
    command.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]).arg(format!("{name}^{{commit}}"));
    answer(&mut command, repository)
}

/// The number of commits of `branch` that `base` does not have; both are commits.
pub fn count_commits(repository: &Path, base: &str, branch: &str) -> Result<u64, GitError> {
    Base::only(base.to_owned()).lacks(repository, branch, false)
}

/// The names of all local branches.
pub fn branches(repository: &Path) -> Result<BTreeSet<String>, GitError> {
    let mut list = wary(repository);
    let list = said(list.args(["for-each-ref", "--format=%(refname)", "refs/heads"]), "for-each-ref", repository)?;
    let list = String::from_utf8_lossy(&list).into_owned();
    Ok(list.lines().filter_map(|name| name.strip_prefix("refs/heads/")).map(str::to_owned).collect())
}
