//! Runs git to find a repository, if git's files do not decide or the environment redirects it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::os::environment;
use crate::os::git::repository::error::RepositoryError;
use crate::os::git::repository::layout_config::LayoutConfig;
use crate::os::git::repository::location::{self, RepositoryLocation};
use crate::os::git::{command, not_started};

/// Variables that redirect git to another repository than that of the folder.
const REDIRECTING: [&str; 3] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"];
/// Variables that change how far git searches, or which repository it accepts.
const SEARCHING: [&str; 3] = ["GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_OBJECT_DIRECTORY"];

/// The variable by which the environment redirects git, if any.
pub(super) fn redirecting_variable() -> Option<&'static str> {
    REDIRECTING.into_iter().find(|name| environment::var(name).is_some())
}

/// Whether the environment changes git's search.
pub(super) fn search_is_changed() -> bool {
    SEARCHING.into_iter().any(|name| environment::var(name).is_some())
}

/// The repository of `start`, independent of the redirecting variables.
pub(super) fn by_location(start: &Path) -> Result<Option<RepositoryLocation>, RepositoryError> {
    let with_search = || {
        let mut command = command(start);
        for name in SEARCHING {
            if let Some(value) = environment::var(name) {
                command.env(name, value);
            }
        }
        command
    };
    match locate(start, &with_search)? {
        Ok(location) => Ok(Some(location)),
        Err(words) => {
            // Git finds a repository without these variables: they ended the search early, so there is no obstacle.
            if search_is_changed() && locate(start, &|| command(start))?.is_ok() {
                return Ok(None);
            }
            match location::obstacle(start) {
                Some(dot_git) => Err(RepositoryError::Refused { dot_git, git_message: words }),
                None => Ok(None),
            }
        }
    }
}

/// The repository that the environment names by `variable` and others.
pub(super) fn with_environment(start: &Path, variable: &'static str) -> Result<RepositoryLocation, RepositoryError> {
    let plain = || {
        let mut command = Command::new("git");
        command.arg("-C").arg(start).stdin(Stdio::null());
        command.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
        // Relative values are relative to this process, but git runs in another folder.
        for name in REDIRECTING {
            if let Some(path) = environment::var(name).and_then(|value| std::path::absolute(value).ok()) {
                command.env(name, path);
            }
        }
        command
    };
    let located =
        locate(start, &plain)?.map_err(|git_message| RepositoryError::Environment { variable, git_message })?;
    // A folder outside the work tree is in no checkout.
    let checkout = located.checkout.filter(|root| start.starts_with(root));
    let found = checkout.clone().unwrap_or_else(|| start.to_owned());
    Ok(RepositoryLocation { found, checkout, ..located })
}

/// The settings of a common folder, read by git.
pub(super) fn config_of(common: &Path) -> Result<LayoutConfig, RepositoryError> {
    let mut found = LayoutConfig::default();
    let mut file = common.join("config");
    loop {
        let get = |kind: &str, key: &str| {
            let mut command = command(common);
            command.args(["config", "--file"]).arg(&file).args([kind, "--get", key]);
            said(&mut command, common)
        };
        if let Ok(word) = get("--bool", "core.bare")? {
            found.bare = Some(word == "true");
        }
        // The path is not expanded: git does not expand it either.
        if let Ok(path) = get("--no-type", "core.worktree")? {
            found.worktree = Some(path.to_string_lossy().into_owned());
        }
        if found.per_worktree {
            return Ok(found);
        }
        found.per_worktree = get("--bool", "extensions.worktreeConfig")?.is_ok_and(|word| word == "true");
        if !found.per_worktree {
            return Ok(found);
        }
        file = common.join("config.worktree");
    }
}

/// The location that git reports for `start`, or its error.
fn locate(start: &Path, git: &dyn Fn() -> Command) -> Result<Result<RepositoryLocation, String>, RepositoryError> {
    let ask = |word: &str| said(git().arg("rev-parse").arg(word), start);
    let real = |path: OsString| fs::canonicalize(start.join(&path)).unwrap_or_else(|_| PathBuf::from(path));
    let git_dir = match ask("--absolute-git-dir")? {
        Ok(path) => real(path),
        Err(words) => return Ok(Err(words)),
    };
    let common = match ask("--git-common-dir")? {
        Ok(path) => real(path),
        Err(words) => return Ok(Err(words)),
    };
    // Fails in a bare repository and inside a git folder.
    let checkout = ask("--show-toplevel")?.ok().filter(|path| !path.is_empty()).map(real);
    let found = match &checkout {
        Some(root) if start.starts_with(root) => root.clone(),
        _ => start.ancestors().find(|folder| holds(folder, &git_dir)).unwrap_or(start).to_owned(),
    };
    Ok(Ok(RepositoryLocation { found, git_dir, common, checkout }))
}

/// Whether git's search would end at `folder` with this git folder.
fn holds(folder: &Path, git_dir: &Path) -> bool {
    folder == git_dir || folder.join(".git").symlink_metadata().is_ok()
}

/// The stdout of git, or the last line of its error.
fn said(command: &mut Command, folder: &Path) -> Result<Result<OsString, String>, RepositoryError> {
    let output = command
        .output()
        .map_err(|error| RepositoryError::Git { folder: folder.to_owned(), source: not_started(error, folder) })?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let last = words.lines().last().unwrap_or_default();
        return Ok(Err(last.strip_prefix("fatal: ").unwrap_or(last).to_owned()));
    }
    let mut text = output.stdout;
    if text.last() == Some(&b'\n') {
        text.pop();
    }
    Ok(Ok(OsString::from_vec(text)))
}
