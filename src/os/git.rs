//! git: which checkout a folder is in, a worktree for a task, what was changed in it, and its removal.
//!
//! Must not delete, reset or overwrite anything: a folder that is in the way is an error. Only
//! [`remove_worktree`], [`delete_branch`] and [`delete_branch_at`] remove something, by git's own rules.

mod advance;
mod base;
mod changes;
mod checkout;
mod copy;
mod copy_names;
mod creation_check;
mod error;
mod fetch;
mod inspect;
mod merge;
mod numstat;
mod pager;
mod pending_setup;
mod push;
mod remove;
mod repository;
mod submodules;
#[cfg(test)]
mod tests;
mod version;
mod worktree;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::os::process::bounded::{self, BoundedError, ChildLimits};

pub use crate::os::git::advance::{advance_branch, changed_files, checkout_with};
pub use crate::os::git::base::{Base, Behind, behind, branch_of, branches, count_commits, default_base, resolve};
pub use crate::os::git::changes::{CheckoutChanges, CheckoutDiff, DiffFormat};
pub use crate::os::git::checkout::{is_checkout_of, is_worktree};
pub use crate::os::git::copy::copy_files;
pub use crate::os::git::copy_names::named_in;
pub use crate::os::git::creation_check::CreationCheck;
pub use crate::os::git::error::GitError;
pub use crate::os::git::inspect::{has_own_commits, inspect_branch, inspect_worktree};
pub use crate::os::git::merge::{
    MergeInput, MergeMethod, MergeOutcome, changes_submodules, compute_merge, is_ancestor, subjects,
};
pub use crate::os::git::numstat::Changed;
pub use crate::os::git::pending_setup::{PendingSetup, only_command_is_left, resolved, setup_is_pending};
pub use crate::os::git::push::{push_arguments, push_branch, push_remote};
pub use crate::os::git::remove::{delete_branch, delete_branch_at, remove_worktree};
pub use crate::os::git::repository::{Repository, RepositoryError, linked_worktree_of};
pub use crate::os::git::submodules::{fill_submodules, has_submodules};
pub use crate::os::git::version::{FLOOR, version};
pub use crate::os::git::worktree::add_worktree;

/// Variables by which a hook or an outer git would redirect our git to another repository: those of
/// `git rev-parse --local-env-vars`, and two more.
const REDIRECTS: [&str; 17] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// git in `repository`: English output, no prompts, no optional locks.
fn command(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository).stdin(Stdio::null());
    command.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
    for name in REDIRECTS {
        command.env_remove(name);
    }
    command
}

/// As [`command`], for a folder where an agent worked: git starts no program that the repository's configuration
/// names. Filters (`git lfs` is one) are the exception, since git cannot compare without them.
fn wary(repository: &Path) -> Command {
    let mut command = command(repository);
    for setting in ["core.fsmonitor=false", "core.hooksPath=/dev/null", "core.quotePath=false"] {
        command.args(["-c", setting]);
    }
    // A partial clone would fetch missing objects, by whatever program the configuration names.
    command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_LITERAL_PATHSPECS", "1");
    command
}

fn git(repository: &Path, args: &[&OsStr]) -> Result<Output, GitError> {
    output(command(repository).args(args), repository)
}

fn output(command: &mut Command, repository: &Path) -> Result<Output, GitError> {
    command.output().map_err(|source| not_started(source, repository))
}

/// The stdout of git without the last line end. Fails if git exits with a failure.
fn said(command: &mut Command, what: &'static str, repository: &Path) -> Result<Vec<u8>, GitError> {
    let Output { status, mut stdout, stderr } = output(command, repository)?;
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr).trim().to_owned();
        return Err(GitError::Failed { command: what, stderr });
    }
    if stdout.last() == Some(&b'\n') {
        stdout.pop();
    }
    Ok(stdout)
}

/// Runs git within limits. A failure exit of git is not an error here. `command` names the action in errors.
fn run_within(
    git: &mut Command,
    command: &'static str,
    repository: &Path,
    input: &[u8],
    limits: ChildLimits,
) -> Result<bounded::ChildOutput, GitError> {
    bounded::run_bounded(git, input, limits).map_err(|error| match error {
        BoundedError::Start(source) => not_started(source, repository),
        BoundedError::Io(source) => {
            GitError::Io { doing: "read the output of git in", path: repository.to_owned(), source }
        }
        BoundedError::Time(_) | BoundedError::Size(_) => GitError::GaveUp { command, seconds: limits.time.as_secs() },
    })
}

/// The stdout of git, trimmed; `None` if git fails or prints nothing.
fn answer(command: &mut Command, repository: &Path) -> Result<Option<String>, GitError> {
    let Output { status, stdout, .. } = output(command, repository)?;
    let text = String::from_utf8_lossy(&stdout).trim().to_owned();
    Ok((status.success() && !text.is_empty()).then_some(text))
}

/// A count that `git rev-list` printed.
fn number(text: &[u8]) -> Result<u64, GitError> {
    let text = String::from_utf8_lossy(text).trim().to_owned();
    text.parse().map_err(|_| GitError::Failed { command: "rev-list", stderr: format!("`{text}` is not a number") })
}

fn not_started(source: std::io::Error, repository: &Path) -> GitError {
    match source.kind() {
        std::io::ErrorKind::NotFound => GitError::NotFound,
        _ => GitError::Io { doing: "start git in", path: repository.to_owned(), source },
    }
}
