//! Checks whether a worktree can be created, before anything is started: its path is free, and the repository has a
//! commit. Changes nothing; the creation checks again.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::model::run_spec::WorktreeSpec;
use crate::os::git::base::resolve;
use crate::os::git::error::GitError;
use crate::os::git::pending_setup::CreationLock;
use crate::os::git::repository::Repository;
use crate::os::git::worktree::is_there;

/// Bases that were found in a repository, so that git runs once for many tasks.
#[derive(Debug, Default)]
pub struct CreationCheck {
    bases: Mutex<BTreeSet<String>>,
}

impl CreationCheck {
    /// Fails if the worktree's path is occupied, an interrupted creation left half of it, or the repository has no
    /// commit to start from.
    pub fn check(&self, spec: &WorktreeSpec, repository: &Repository) -> Result<(), GitError> {
        let common = repository.common();
        let is_there = match is_there(spec, common) {
            Err(GitError::HalfMade(_)) if CreationLock::is_held(common) => return Ok(()),
            // Its creation may have ended since.
            Err(GitError::HalfMade(_)) => is_there(spec, common)?,
            is_there => is_there?,
        };
        // The fetch may bring the first commit.
        if is_there || spec.fetch {
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
