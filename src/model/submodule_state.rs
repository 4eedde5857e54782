//! The state of one submodule of a worktree, read before the worktree is removed.

use std::path::PathBuf;

use crate::model::worktree_look::Names;

/// A submodule that may contain work that exists nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmoduleState {
    /// The path below the worktree; its name, if it is not checked out.
    pub name: PathBuf,
    pub place: SubmodulePlace,
    /// Tracked files that differ from its last commit.
    pub changed: Names,
    /// Files that are neither tracked nor ignored.
    pub untracked: Names,
    pub commits: LocalCommits,
    /// Why git could not inspect it.
    pub broken: Option<String>,
}

/// The location of a submodule's repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmodulePlace {
    /// A checkout in this folder.
    Checkout(PathBuf),
    /// A git folder without a checkout.
    GitFolder(PathBuf),
    /// A folder that should be empty: the submodule is not initialised.
    NotInitialised(PathBuf),
}

/// Commits of a submodule that are neither on its remotes nor in the main checkout's repository of it, nor
/// recorded by a commit that exists elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalCommits {
    /// Those reachable from the checked-out commit.
    pub head: u64,
    /// Those reachable from the checked-out commit or a local branch.
    pub all: u64,
    pub stashes: u64,
}

impl SubmoduleState {
    pub fn new(name: PathBuf, place: SubmodulePlace) -> Self {
        Self {
            name,
            place,
            changed: Names::default(),
            untracked: Names::default(),
            commits: LocalCommits::default(),
            broken: None,
        }
    }

    /// Whether its removal would lose nothing.
    pub fn is_expendable(&self) -> bool {
        let Self { name: _, place: _, changed, untracked, commits, broken } = self;
        let LocalCommits { head, all, stashes } = *commits;
        changed.count == 0 && untracked.count == 0 && head == 0 && all == 0 && stashes == 0 && broken.is_none()
    }
}
