//! What was seen of a task's worktree and its branch, before either is taken away.

use std::path::PathBuf;

use crate::model::submodule_look::SubmoduleLook;

/// What stands where a task's worktree belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Absent,
    /// git still has it on record, and the folder is gone; repositories of its submodules may be left.
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
    /// Files that git does not know, and has not been told to ignore.
    pub untracked: Names,
    /// Files that git was told to ignore: they go with the worktree.
    pub ignored: Names,
    pub submodules: Submodules,
}

/// The submodules of a worktree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submodules {
    /// Whether the worktree has repositories of submodules of its own: git removes it only by force then.
    pub present: bool,
    /// Those in which something is that would be lost.
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
    /// The base is not there, so nothing can be said.
    NoBase,
    There {
        /// Commits that are not in the base.
        unmerged: u64,
        /// Those of them that are on no remote either.
        unpushed: u64,
    },
}

impl Names {
    /// So many are told by name.
    const SHOWN: usize = 5;

    pub fn push(&mut self, name: PathBuf) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(name);
        }
    }
}
