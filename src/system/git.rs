//! git as a foreign tool: which checkout this is, and a worktree for a task.
//!
//! Must not delete, reset or overwrite anything: a folder that is in the way is an error.

mod checkout;
mod copy;
mod error;
mod pending;
#[cfg(test)]
mod tests;
mod worktree;

use std::path::Path;
use std::process::{Command, Output, Stdio};

pub use crate::system::git::checkout::{MainCheckout, is_worktree, main_checkout_of};
pub use crate::system::git::copy::copy_files;
pub use crate::system::git::error::GitError;
pub use crate::system::git::pending::{PendingSetup, setup_is_pending};
pub use crate::system::git::worktree::add_worktree;

/// Variables by which a hook or an outer git would point ours at another repository
/// (`git rev-parse --local-env-vars`, and two more).
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

/// Runs git in `repository`: its words in English, no question asked, no lock it can do without.
fn git(repository: &Path, args: &[&std::ffi::OsStr]) -> Result<Output, GitError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository).args(args).stdin(Stdio::null());
    command.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
    for name in REDIRECTS {
        command.env_remove(name);
    }
    command.output().map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => GitError::NotFound,
        _ => GitError::Io { doing: "start git in", path: repository.to_owned(), source },
    })
}
