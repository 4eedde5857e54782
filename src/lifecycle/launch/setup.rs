//! Sets up a run's worktree: creates it, fills its submodules, copies files, runs the set-up command. A completed
//! set-up is not repeated; one that failed or was killed is, so copies must not overwrite.

use std::io;
use std::path::PathBuf;

use crate::lifecycle::launch::prepare::Prepared;
use crate::model::run_spec::WorktreeSpec;
use crate::os::environment::{self, Environment};
use crate::os::git::{self, GitError};
use crate::os::process::supervise;

const EMPTY_SUBMODULES: &str = "the worktree's submodules are empty; `worktree: { submodules: true }` fills them";

/// Why a worktree is not ready for its run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("`{command}` failed ({status})")]
    Command { command: String, status: String },
    #[error("`{command}` cannot be started: {source}")]
    NotStarted { command: String, source: io::Error },
}

impl Prepared {
    /// `worktree.copy` entries that match nothing, and submodules that stay empty.
    pub fn set_up_warnings(&self) -> Vec<String> {
        let Some(worktree) = &self.worktree else { return Vec::new() };
        let root = worktree.project();
        let matches_nothing = |entry: &&PathBuf| git::named_in(root, entry).is_ok_and(|named| named.is_empty());
        let unmatched = worktree.copy.iter().filter(matches_nothing);
        let mut warnings: Vec<String> = unmatched
            .map(|entry| format!("`{}` (`worktree.copy`) matches nothing in `{}`", entry.display(), root.display()))
            .collect();
        if worktree.submodules.is_none() && git::has_submodules(&worktree.repository) {
            warnings.push(EMPTY_SUBMODULES.to_owned());
        }
        warnings
    }
}

impl SetupError {
    /// The error in one line, for the reason of the run's end.
    pub(crate) fn in_a_line(&self) -> String {
        match self {
            Self::Git(error) => error.in_a_line(),
            other => other.to_string(),
        }
    }
}

/// Which part of the set-up is done here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetupPart {
    Whole,
    /// On the host that submits to an engine: the worktree, its submodules and copies.
    BeforeSubmission,
    /// On a node: the set-up command.
    OnNode,
}

/// `log` receives each line of the set-up log. Fails if git or the set-up command fails.
pub(crate) fn set_up(
    worktree: &WorktreeSpec,
    part: SetupPart,
    environment: &Environment,
    log: &mut dyn FnMut(&str),
) -> Result<(), SetupError> {
    if worktree.path.is_dir() && !git::setup_is_pending(&worktree.path) {
        return Ok(());
    }
    if let Err(error) = git::add_worktree(worktree, log) {
        let is_fetch =
            matches!(error, GitError::Failed { command: "fetch", .. } | GitError::GaveUp { command: "fetch", .. });
        if is_fetch && environment::var("SSH_AUTH_SOCK").is_none() {
            log("git ran in the run's environment; for keys of an ssh agent: `pass_env: [SSH_AUTH_SOCK]`");
        }
        return Err(error.into());
    }
    // A node may be running the command, and a submission need not wait for it.
    if part == SetupPart::BeforeSubmission && git::only_command_is_left(&worktree.path) {
        return Ok(());
    }
    let Some(setup) = git::PendingSetup::take(&worktree.path)? else { return Ok(()) };
    if part != SetupPart::OnNode {
        match worktree.submodules {
            Some(true) => git::fill_submodules(&worktree.path, log)?,
            Some(false) => {}
            None if git::has_submodules(&worktree.path) => log(EMPTY_SUBMODULES),
            None => {}
        }
        git::copy_files(worktree, log)?;
    }
    if part == SetupPart::BeforeSubmission {
        return Ok(setup.leave_command()?);
    }
    if !worktree.setup.is_empty() {
        let command = worktree.setup.join(" ");
        log(&format!("+ {command}"));
        match supervise::run_in_foreground(&worktree.setup, &worktree.folder(), environment) {
            Ok(status) if status.success() => {}
            Ok(status) => return Err(SetupError::Command { command, status: status.to_string() }),
            Err(source) => return Err(SetupError::NotStarted { command, source }),
        }
    }
    Ok(setup.finish()?)
}
