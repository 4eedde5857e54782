//! Decides whether a task's worktree and branch may be removed; else lists every objection. Pure.
//!
//! Must never remove uncommitted work, commits that are neither in the base nor on a remote, or a worktree in which a
//! run is active.

mod objection;

use std::path::Path;

use crate::model::names::Pair;
use crate::model::submodule_state::{LocalCommits, SubmoduleState};
use crate::model::worktree_look::{BranchLook, Submodules, WorktreeState};

pub use crate::plan::clean::objection::{InSubmodule, Objection};

/// The input of the decision.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    pub path: &'a Path,
    pub branch: &'a str,
    pub base: &'a str,
    /// The main checkout.
    pub root: &'a Path,
    pub standing: &'a WorktreeState,
    pub branch_look: BranchLook,
    /// Active runs in the worktree, each with its state.
    pub runs: &'a [(Pair, &'static str)],
    /// Whether the user's working directory is in it.
    pub is_here: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleaning {
    pub remove_worktree: bool,
    /// Whether it has repositories of submodules, whose removal loses nothing.
    pub with_submodules: bool,
    pub branch: BranchEnd,
}

/// What happens to the branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchEnd {
    Absent,
    Deleted,
    /// Kept, because this many of its commits are not in the base.
    Kept {
        unmerged: u64,
    },
    /// Kept, because it is the base or cannot be compared with the base.
    Left,
}

impl Objection {
    /// Whether it also stands against a merge that removes nothing afterwards.
    pub fn concerns_merge(&self) -> bool {
        !matches!(
            self,
            Self::Here { .. }
                | Self::Locked { .. }
                | Self::Submodule { found: InSubmodule::Stashed(_) | InSubmodule::Unpushed { on_head: false, .. }, .. }
        )
    }
}

/// What to do. Fails with every objection.
pub fn decide(case: &Case<'_>) -> Result<Cleaning, Vec<Objection>> {
    let mut against = Vec::new();
    let path = || case.path.to_owned();
    against.extend(case.runs.iter().map(|(pair, state)| Objection::Running { pair: pair.clone(), state }));
    let stands = match case.standing {
        WorktreeState::Absent => false,
        WorktreeState::Vanished(submodules) => {
            against.extend(in_submodules(submodules, case.branch));
            true
        }
        WorktreeState::Main => {
            against.push(Objection::Main);
            false
        }
        WorktreeState::Foreign => {
            against.push(Objection::Foreign);
            false
        }
        WorktreeState::Linked(look) => {
            if case.is_here {
                against.push(Objection::Here { root: case.root.to_owned() });
            }
            if let Some(reason) = &look.locked {
                against.push(Objection::Locked { reason: reason.clone(), path: path() });
            }
            if look.branch.as_deref() != Some(case.branch) {
                let wanted = case.branch.to_owned();
                against.push(Objection::OtherBranch { found: look.branch.clone(), wanted, path: path() });
            }
            if look.changed.count > 0 {
                against.push(Objection::Changed { names: look.changed.clone(), path: path() });
            }
            if look.untracked.count > 0 {
                against.push(Objection::Untracked { names: look.untracked.clone(), path: path() });
            }
            against.extend(in_submodules(&look.submodules, case.branch));
            true
        }
    };
    let branch = match case.branch_look {
        BranchLook::Absent => BranchEnd::Absent,
        _ if case.base.strip_prefix("refs/heads/").unwrap_or(case.base) == case.branch => BranchEnd::Left,
        BranchLook::NoBase => {
            if stands {
                against.push(Objection::NoBase { base: case.base.to_owned() });
            }
            BranchEnd::Left
        }
        BranchLook::There { unmerged: 0, .. } => BranchEnd::Deleted,
        BranchLook::There { unmerged, unpushed } => {
            if unpushed > 0 && stands {
                let (branch, base) = (case.branch.to_owned(), case.base.to_owned());
                against.push(Objection::Unpushed { count: unpushed, branch, base, path: path() });
            }
            BranchEnd::Kept { unmerged }
        }
    };
    let with_submodules = match case.standing {
        WorktreeState::Linked(look) => look.submodules.present,
        WorktreeState::Vanished(submodules) => submodules.present,
        WorktreeState::Absent | WorktreeState::Foreign | WorktreeState::Main => false,
    };
    if against.is_empty() { Ok(Cleaning { remove_worktree: stands, with_submodules, branch }) } else { Err(against) }
}

fn in_submodules(submodules: &Submodules, branch: &str) -> Vec<Objection> {
    let mut against = Vec::new();
    for look in &submodules.at_stake {
        let SubmoduleState { name, place, changed, untracked, commits, broken } = look;
        let LocalCommits { head, all, stashes } = *commits;
        let found = [
            broken.clone().map(InSubmodule::Broken),
            (changed.count > 0).then(|| InSubmodule::Changed(changed.clone())),
            (untracked.count > 0).then(|| InSubmodule::Untracked(untracked.clone())),
            (all > 0).then(|| InSubmodule::Unpushed { count: all, on_head: head > 0, branch: branch.to_owned() }),
            (stashes > 0).then_some(InSubmodule::Stashed(stashes)),
        ];
        let objection = |found| Objection::Submodule { name: name.clone(), place: place.clone(), found };
        against.extend(found.into_iter().flatten().map(objection));
    }
    against
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::{ModeName, TaskId};
    use std::path::PathBuf;

    use crate::model::worktree_look::{LinkedLook, Names};

    const THERE: BranchLook = BranchLook::There { unmerged: 0, unpushed: 0 };

    fn clean() -> LinkedLook {
        LinkedLook { branch: Some("task/t".to_owned()), ..LinkedLook::default() }
    }

    fn decided(standing: &WorktreeState, branch_look: BranchLook, is_here: bool) -> Result<Cleaning, Vec<Objection>> {
        let (path, root) = (Path::new("/trees/T"), Path::new("/main"));
        let case = Case { path, branch: "task/t", base: "main", root, standing, branch_look, runs: &[], is_here };
        decide(&case)
    }

    fn said(result: Result<Cleaning, Vec<Objection>>) -> Vec<String> {
        result.unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_merged_and_clean_goes() {
        let done = decided(&WorktreeState::Linked(clean()), THERE, false).unwrap();
        assert_eq!(done, Cleaning { remove_worktree: true, with_submodules: false, branch: BranchEnd::Deleted });
        // Commits on a remote are not lost, but the branch is kept.
        let pushed = BranchLook::There { unmerged: 2, unpushed: 0 };
        let done = decided(&WorktreeState::Linked(clean()), pushed, false).unwrap();
        assert_eq!(
            done,
            Cleaning { remove_worktree: true, with_submodules: false, branch: BranchEnd::Kept { unmerged: 2 } }
        );
    }

    #[test]
    fn what_is_not_there_is_no_reason_against_it() {
        let absent = |branch| decided(&WorktreeState::Absent, branch, true).unwrap();
        assert_eq!(
            absent(BranchLook::Absent),
            Cleaning { remove_worktree: false, with_submodules: false, branch: BranchEnd::Absent }
        );
        assert_eq!(absent(THERE).branch, BranchEnd::Deleted);
        let ahead = BranchLook::There { unmerged: 1, unpushed: 1 };
        assert_eq!(absent(ahead).branch, BranchEnd::Kept { unmerged: 1 });
        assert_eq!(absent(BranchLook::NoBase).branch, BranchEnd::Left);
        assert!(decided(&WorktreeState::Vanished(Submodules::default()), THERE, false).unwrap().remove_worktree);
    }

    #[test]
    fn all_that_stands_against_it_is_said_at_once() {
        let names = |name: &str, count| Names { count, first: vec![PathBuf::from(name)] };
        let look = LinkedLook {
            branch: None,
            locked: Some("on a stick".to_owned()),
            changed: names("a b", 1),
            untracked: names("c", 7),
            ignored: names("target/", 1),
            submodules: Submodules::default(),
        };
        let branch = BranchLook::There { unmerged: 3, unpushed: 2 };
        let against = decided(&WorktreeState::Linked(look), branch, true);
        assert_eq!(
            said(against.clone()),
            [
                "you are in it",
                "it is locked: on a stick",
                "no branch is checked out there (`task/t` should be)",
                "1 change not committed: a b",
                "7 files git does not know: c, …",
                "2 commits of `task/t` neither in `main` nor on a remote",
            ]
        );
        let fixes: Vec<String> = against.unwrap_err().iter().map(Objection::fix).collect();
        assert_eq!(fixes[0], "cd /main");
        assert!(fixes.iter().all(|fix| !fix.contains("--force")), "{fixes:?}");
    }

    #[test]
    fn what_is_not_the_tasks_own_stays() {
        assert_eq!(said(decided(&WorktreeState::Main, THERE, false)), ["it is the main checkout"]);
        assert_eq!(said(decided(&WorktreeState::Foreign, THERE, false)), ["it is no worktree of this repository"]);
        let other = LinkedLook { branch: Some("main2".to_owned()), ..clean() };
        let against = decided(&WorktreeState::Linked(other), THERE, false);
        assert_eq!(said(against), ["branch `main2` is checked out there, not `task/t`"]);
        assert!(decided(&WorktreeState::Linked(clean()), BranchLook::NoBase, false).is_err());
    }

    #[test]
    fn what_works_there_is_named_with_its_state() {
        let pair = Pair { mode: ModeName::parse("job").unwrap(), task: TaskId::parse("T").unwrap() };
        let standing = WorktreeState::Linked(clean());
        let case = Case {
            path: Path::new("/trees/T"),
            branch: "task/t",
            base: "task/t",
            root: Path::new("/main"),
            standing: &standing,
            branch_look: THERE,
            runs: &[(pair, "queued")],
            is_here: false,
        };
        let against = decide(&case).unwrap_err();
        assert_eq!(
            (against[0].to_string().as_str(), against[0].fix().as_str()),
            ("`job T` works in it (queued)", "dispatch stop job T")
        );
        // The base itself must not be deleted.
        let done = decide(&Case { runs: &[], ..case }).unwrap();
        assert_eq!(done, Cleaning { remove_worktree: true, with_submodules: false, branch: BranchEnd::Left });
    }
}
