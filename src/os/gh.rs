//! `gh`, the program of GitHub: opens a pull request.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::os::environment;
use crate::os::process::bounded::{self, BoundedError, ChildLimits};
use crate::os::process::program;

const LIMITS: ChildLimits = ChildLimits { time: Duration::from_secs(120), output: 1 << 20 };

#[derive(Debug, thiserror::Error)]
pub enum GhError {
    #[error("`gh` failed: {0}")]
    Failed(String),
    #[error("`gh` cannot be run: {0}")]
    Run(#[from] BoundedError),
}

/// Where `gh` is, if it is installed.
pub fn find() -> Option<PathBuf> {
    program::find("gh", environment::var("PATH").as_deref(), Path::new("/")).ok()
}

/// Runs `gh` in `folder` with `body` as its input, without questions. Returns what it prints: the address of the pull
/// request.
pub fn run(gh: &Path, arguments: &[String], folder: &Path, body: &str) -> Result<String, GhError> {
    let mut command = Command::new(gh);
    command.args(arguments).current_dir(folder).env("GH_PROMPT_DISABLED", "1");
    let done = bounded::run_bounded(&mut command, body.as_bytes(), LIMITS)?;
    if !done.status.success() {
        let stderr = done.stderr.trim();
        return Err(GhError::Failed(if stderr.is_empty() { done.status.to_string() } else { stderr.to_owned() }));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
