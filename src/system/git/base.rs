//! What the work of a task is compared with: the base of its branch, here and upstream.
//!
//! Whoever pulls seldom has an old `main`: what is in its upstream counts as being in the base, too.

use std::path::Path;

use crate::system::git::error::GitError;
use crate::system::git::{output, said, wary};

/// A base that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Commits: the base's own, and its upstream's where it has one.
    tips: Vec<String>,
}

impl Base {
    /// `name` as the main checkout of `repository` understands it.
    pub fn find(repository: &Path, name: &str) -> Result<Self, GitError> {
        let none = || GitError::NoBase { base: name.to_owned(), repository: repository.to_owned() };
        let own = resolve(repository, name)?.ok_or_else(none)?;
        let upstream = resolve(repository, &format!("{name}@{{upstream}}"))?;
        let mut tips = vec![own];
        tips.extend(upstream.filter(|upstream| !tips.contains(upstream)));
        Ok(Self { tips })
    }

    /// Where the checkout at `path` went its own way: the last commit it has in common with the base.
    pub fn fork_point(&self, path: &Path, name: &str) -> Result<String, GitError> {
        let head = resolve(path, "HEAD")?;
        let unrelated = || GitError::Unrelated { path: path.to_owned(), base: name.to_owned() };
        let head = head.ok_or_else(unrelated)?;
        let found = output(wary(path).arg("merge-base").arg(head).args(&self.tips), path)?;
        let text = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        if found.status.success() && !text.is_empty() { Ok(text) } else { Err(unrelated()) }
    }

    /// How many commits of `branch` are in none of the tips, nor on a remote where `remotes` says so.
    pub(super) fn lacks(&self, repository: &Path, branch: &str, remotes: bool) -> Result<u64, GitError> {
        let mut command = wary(repository);
        command.args(["rev-list", "--count", branch, "--not"]).args(&self.tips);
        if remotes {
            command.arg("--remotes");
        }
        let count = said(command.arg("--"), "rev-list", repository)?;
        let text = String::from_utf8_lossy(&count).trim().to_owned();
        text.parse().map_err(|_| GitError::Failed { command: "rev-list", stderr: format!("`{text}` is no number") })
    }
}

/// The commit that `name` means in `repository`, if any.
pub fn resolve(repository: &Path, name: &str) -> Result<Option<String>, GitError> {
    let mut command = wary(repository);
    command.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]).arg(format!("{name}^{{commit}}"));
    let found = output(&mut command, repository)?;
    let text = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    Ok((found.status.success() && !text.is_empty()).then_some(text))
}
