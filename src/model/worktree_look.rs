//! The state of a task's worktree and branch, read before either is removed.

use std::path::PathBuf;

use crate::model::submodule_state::SubmoduleState;

/// What exists at the path of a task's worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorktreeState {
    Absent,
    /// git lists it, but the folder is missing; repositories of its submodules may exist.
    Vanished(Submodules),
    /// Something that is no worktree of this repository.
    Foreign,
    /// The main checkout.
    Main,
    Linked(LinkedLook),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkedLook {
    /// The checked-out branch; `None` for a detached HEAD.
    pub branch: Option<String>,
    /// The reason of its lock, empty if none was given. `None`: not locked.
    pub locked: Option<String>,
    /// Tracked files that differ from the last commit.
    pub changed: Names,
    /// Files that are neither tracked nor ignored.
    pub untracked: Names,
    /// Ignored files: removed with the worktree.
    pub ignored: Names,
    pub submodules: Submodules,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submodules {
    /// Whether the worktree has repositories of submodules: git then removes it only with `--force`.
    pub present: bool,
    /// Those whose removal would lose something.
    pub at_stake: Vec<SubmoduleState>,
}

/// The first names and the total number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub count: usize,
    pub first: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchLook {
    Absent,
    /// The base does not exist, so the branch cannot be compared.
    NoBase,
    There {
        /// Commits that are not in the base.
        unmerged: u64,
        /// Those of them that are on no remote.
        unpushed: u64,
    },
}

impl Names {
    /// How many names are kept.
    const SHOWN: usize = 5;

    pub fn push(&mut self, name: PathBuf) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push(name);
        }
    }
}
