//! The state of one submodule of a worktree, read before the worktree is removed.

use std::path::PathBuf;

use crate::model::worktree_look::Names;

/// One submodule that may hold work which is nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmoduleLook {
    /// Its path below the worktree, or its name where it is not checked out.
    pub name: PathBuf,
    pub place: SubmodulePlace,
    /// Tracked files that differ from its last commit.
    pub changed: Names,
    /// Files that are not tracked, and not ignored either.
    pub untracked: Names,
    pub commits: LocalCommits,
    /// Why git could not look into it.
    pub broken: Option<String>,
}

/// Where a submodule's own repository is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmodulePlace {
    /// A checkout in this folder.
    Checkout(PathBuf),
    /// A git folder without a checkout.
    GitFolder(PathBuf),
    /// A folder that should be empty: the submodule is not filled.
    Unfilled(PathBuf),
}

/// Commits of a submodule that are neither on a remote nor elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalCommits {
    /// Those of what is checked out.
    pub head: u64,
    /// Those of what is checked out and of its local branches.
    pub all: u64,
    pub stashes: u64,
}

impl SubmoduleLook {
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

    /// Whether nothing in it would be lost.
    pub fn is_expendable(&self) -> bool {
        let Self { name: _, place: _, changed, untracked, commits, broken } = self;
        let LocalCommits { head, all, stashes } = *commits;
        changed.count == 0 && untracked.count == 0 && head == 0 && all == 0 && stashes == 0 && broken.is_none()
    }
}
