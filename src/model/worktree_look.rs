//! The state of a task's worktree and its branch, read before either is removed.

use std::path::PathBuf;

use crate::model::submodule_look::SubmoduleLook;

/// What is at the path of a task's worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Absent,
    /// git still lists it, but the folder is gone; repositories of its submodules may be left.
    Vanished(Submodules),
    /// Something that is no worktree of this repository.
    Foreign,
    /// The main checkout itself.
    Main,
    Linked(LinkedLook),
}

/// A linked worktree of the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkedLook {
    /// What is checked out; `None` where that is no branch.
    pub branch: Option<String>,
    /// Locked, with the reason that was given, if any.
    pub locked: Option<String>,
    /// Tracked files that differ from the last commit.
    pub changed: Names,
    /// Files that are neither tracked nor ignored.
    pub untracked: Names,
    /// Ignored files: they are removed with the worktree.
    pub ignored: Names,
    pub submodules: Submodules,
}

/// The submodules of a worktree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submodules {
    /// Whether the worktree has repositories of submodules of its own: git then removes it only with `--force`.
    pub present: bool,
    /// Those in which something would be lost.
    pub at_stake: Vec<SubmoduleLook>,
}

/// Some names, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub count: usize,
    pub first: Vec<PathBuf>,
}

/// A task's branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchLook {
    Absent,
    /// The base does not exist, so the branch cannot be compared with it.
    NoBase,
    There {
        /// Commits that are not in the base.
        unmerged: u64,
        /// Those of them that are on no remote either.
        unpushed: u64,
    },
}

impl Names {
    /// How many are kept by name.
    const SHOWN: usize = 5;

    pub fn push(&mut self, name: PathBuf) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(name);
        }
    }
}
