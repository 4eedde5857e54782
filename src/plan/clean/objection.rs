//! Objections to the removal of a worktree, and to a merge or pull request of its branch, each with a message and the command that fixes it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::names::{Pair, TaskId};
use crate::model::submodule_state::SubmodulePlace;
use crate::model::worktree_look::Names;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    Running {
        pair: Pair,
        state: &'static str,
    },
    Here {
        root: PathBuf,
    },
    Main,
    Foreign,
    Locked {
        reason: String,
        path: PathBuf,
    },
    OtherBranch {
        found: Option<String>,
        wanted: String,
        path: PathBuf,
    },
    Changed {
        names: Names,
        path: PathBuf,
    },
    Untracked {
        names: Names,
        path: PathBuf,
    },
    Unpushed {
        count: u64,
        branch: String,
        base: String,
        path: PathBuf,
    },
    NoBase {
        base: String,
    },
    Submodule {
        name: PathBuf,
        place: SubmodulePlace,
        found: InSubmodule,
    },
    /// The objections from here on are to a merge alone. A run of the task that works elsewhere.
    TaskRuns {
        pair: Pair,
        state: &'static str,
    },
    /// `worktree.check` is to run in a worktree that does not exist.
    NothingToCheck {
        path: PathBuf,
        branch: String,
    },
    BaseIsBranch {
        branch: String,
        task: TaskId,
    },
    /// The base exists at most on a remote.
    NoLocalBase {
        base: String,
        exists: bool,
        task: TaskId,
    },
    /// The checkout at `path` has the base and changes that are not committed.
    BaseChanged {
        base: String,
        names: Names,
        path: PathBuf,
    },
    /// This one and the next are to a pull request alone.
    NothingNew {
        branch: String,
        base: String,
        path: PathBuf,
    },
    NoRemote {
        repository: PathBuf,
    },
}

/// What the removal of a submodule would lose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InSubmodule {
    Changed(Names),
    Untracked(Names),
    /// Commits on no remote. `on_head`: some belong to the checked-out commit. `branch` is the worktree's.
    Unpushed {
        count: u64,
        on_head: bool,
        branch: String,
    },
    Stashed(u64),
    /// git could not inspect it.
    Broken(String),
}

impl Objection {
    /// The command that fixes it; if there is no single command, what to do.
    pub fn fix(&self) -> String {
        let in_it = |path: &Path| format!("git -C {}", quote(path));
        match self {
            Self::Running { pair, .. } => format!("dispatch stop {pair}"),
            Self::Here { root } => format!("cd {}", quote(root)),
            Self::Main => "set `worktree.path` to a folder of its own for each task".to_owned(),
            Self::Foreign => "move it away yourself; nothing in it was touched".to_owned(),
            Self::Locked { path, .. } => format!("git worktree unlock {}", quote(path)),
            Self::OtherBranch { wanted, path, .. } => format!("{} switch {}", in_it(path), word(wanted)),
            Self::Changed { path, .. } => format!("{} commit -a", in_it(path)),
            Self::Untracked { path, .. } => format!("{} add -A && {} commit", in_it(path), in_it(path)),
            Self::Unpushed { branch, base, path, .. } => {
                let (branch, place) = (word(branch), in_it(path));
                format!(
                    "on `{base}`: git merge {branch}; or {place} push -u origin {branch}. A squash merge cannot be \
                     seen; after one: git worktree remove {} && git branch -D {branch}",
                    quote(path)
                )
            }
            Self::NoBase { base } => format!("set `worktree.base`, or make `{base}`"),
            Self::Submodule { place, found, .. } => found.fix(place),
            Self::TaskRuns { pair, .. } => format!("dispatch stop {pair}"),
            Self::NothingToCheck { path, branch } => format!("git worktree add {} {}", quote(path), word(branch)),
            Self::BaseIsBranch { task, .. } => format!("dispatch merge {task} --into BRANCH"),
            Self::NoLocalBase { base, exists: false, task } => {
                format!("git branch {}; or dispatch merge {task} --into BRANCH", word(base))
            }
            Self::NoLocalBase { base, exists: true, task } => {
                let name = base.rsplit_once('/').map_or(base.as_str(), |(_, name)| name);
                format!("git branch {0} {1}; dispatch merge {task} --into {0}", word(name), word(base))
            }
            Self::NothingNew { path, .. } => format!("{} commit -a", in_it(path)),
            Self::NoRemote { repository } => format!("{} remote add origin URL", in_it(repository)),
            Self::BaseChanged { path, .. } => {
                format!("{0} commit -a; or {0} stash, and {0} stash pop after the merge", in_it(path))
            }
        }
    }
}

impl InSubmodule {
    fn fix(&self, place: &SubmodulePlace) -> String {
        let git = match place {
            SubmodulePlace::Checkout(path) => format!("git -C {}", quote(path)),
            SubmodulePlace::GitFolder(path) => format!("git --git-dir {} --work-tree .", quote(path)),
            SubmodulePlace::NotInitialised(path) => return format!("move them elsewhere: ls -A {}", quote(path)),
        };
        match self {
            Self::Changed(_) => format!("{git} commit -a"),
            Self::Untracked(_) => format!("{git} add -A && {git} commit"),
            Self::Unpushed { on_head: true, branch, .. } => {
                format!("{git} push origin HEAD:refs/heads/{}", word(branch))
            }
            Self::Unpushed { .. } => format!("{git} push origin --all"),
            Self::Stashed(_) => format!("{git} stash pop"),
            Self::Broken(_) => format!("{git} status"),
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running { pair, state } => write!(f, "`{pair}` works in it ({state})"),
            Self::Here { .. } => f.write_str("you are in it"),
            Self::Main => f.write_str("it is the main checkout"),
            Self::Foreign => f.write_str("it is no worktree of this repository"),
            Self::Locked { reason, .. } if reason.is_empty() => f.write_str("it is locked"),
            Self::Locked { reason, .. } => write!(f, "it is locked: {reason}"),
            Self::OtherBranch { found: Some(found), wanted, .. } => {
                write!(f, "branch `{found}` is checked out there, not `{wanted}`")
            }
            Self::OtherBranch { found: None, wanted, .. } => {
                write!(f, "no branch is checked out there (`{wanted}` should be)")
            }
            Self::Changed { names, .. } => write!(f, "{} not committed: {}", count(names, "change"), list(names)),
            Self::Untracked { names, .. } => {
                write!(f, "{} git does not know: {}", count(names, "file"), list(names))
            }
            Self::Unpushed { count, branch, base, .. } => {
                let commits = if *count == 1 { "commit" } else { "commits" };
                write!(f, "{count} {commits} of `{branch}` neither in `{base}` nor on a remote")
            }
            Self::NoBase { base } => write!(f, "`{base}` (`worktree.base`) is not there to compare with"),
            Self::Submodule { name, place, found } => {
                let state = match place {
                    SubmodulePlace::NotInitialised(_) => ", which is not filled,",
                    SubmodulePlace::GitFolder(_) => ", which is not checked out,",
                    SubmodulePlace::Checkout(_) => "",
                };
                write!(f, "in submodule `{}`{state} {found}", name.display())
            }
            Self::TaskRuns { pair, state } => write!(f, "`{pair}` is active ({state})"),
            Self::NothingToCheck { .. } => f.write_str("it does not exist, so `worktree.check` cannot run in it"),
            Self::BaseIsBranch { branch, .. } => write!(f, "`{branch}` is the base itself"),
            Self::NoLocalBase { base, .. } => write!(f, "the base `{base}` is no local branch"),
            Self::NothingNew { branch, base, .. } => write!(f, "`{branch}` has no commit that `{base}` does not have"),
            Self::NoRemote { .. } => f.write_str("the repository has no remote to push to"),
            Self::BaseChanged { base, names, path } => {
                let changes = count(names, "change");
                write!(
                    f,
                    "`{base}` is checked out in `{}` with {changes} not committed: {}",
                    path.display(),
                    list(names)
                )
            }
        }
    }
}

impl fmt::Display for InSubmodule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: u64, one: &'static str, more: &'static str| if count == 1 { one } else { more };
        match self {
            Self::Changed(names) => write!(f, "{} not committed: {}", count(names, "change"), list(names)),
            Self::Untracked(names) => write!(f, "{} git does not know: {}", count(names, "file"), list(names)),
            Self::Unpushed { count, .. } => {
                write!(f, "{count} {} on no remote", plural(*count, "commit that is", "commits that are"))
            }
            Self::Stashed(count) => write!(f, "{count} {}", plural(*count, "stash", "stashes")),
            Self::Broken(words) => write!(f, "git cannot look for work: {words}"),
        }
    }
}

fn count(names: &Names, what: &str) -> String {
    format!("{} {what}{}", names.count, if names.count == 1 { "" } else { "s" })
}

fn list(names: &Names) -> String {
    let mut text = names.first.iter().map(|name| name.display().to_string()).collect::<Vec<_>>().join(", ");
    if names.count > names.first.len() {
        text.push_str(", …");
    }
    text
}

fn word(text: &str) -> String {
    shell_words::quote(text).into_owned()
}

fn quote(path: &Path) -> String {
    word(&path.display().to_string())
}
