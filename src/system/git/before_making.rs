//! Whether a worktree can be made at all: what stands in its place, and a repository without a commit,
//! is said before anything is started. Changes nothing; the making itself looks again.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::model::run_spec::WorktreeSpec;
use crate::system::git::base::resolve;
use crate::system::git::error::GitError;
use crate::system::git::repository::Repository;
use crate::system::git::worktree::is_there;

/// What was found out of a repository, so that many tasks ask git once.
#[derive(Debug, Default)]
pub struct BeforeMaking {
    bases: Mutex<BTreeSet<String>>,
}

impl BeforeMaking {
    pub fn check(&self, spec: &WorktreeSpec, repository: &Repository) -> Result<(), GitError> {
        // What is fetched first may bring the first commit.
        if is_there(spec, repository.common())? || spec.fetch {
            return Ok(());
        }
        let known =
            |bases: &Mutex<BTreeSet<String>>| bases.lock().unwrap_or_else(PoisonError::into_inner).contains(&spec.base);
        if known(&self.bases) {
            return Ok(());
        }
        let folder = &spec.repository;
        if resolve(folder, &spec.base)?.is_some() || resolve(folder, "HEAD")?.is_some() {
            self.bases.lock().unwrap_or_else(PoisonError::into_inner).insert(spec.base.clone());
            return Ok(());
        }
        match resolve(folder, &format!("refs/heads/{}", spec.branch))? {
            Some(_) => Ok(()),
            None => Err(GitError::NoCommit(folder.clone())),
        }
    }
}
