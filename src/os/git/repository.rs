//! The repository of a folder, as git determines it: the common folder that all checkouts share, the root of this
//! checkout, and the main checkout if there is one.
//!
//! The usual layouts are read from git's files. If these do not decide, or the environment names a repository, git is
//! run. Both ways give equal results.

mod by_git;
mod error;
mod layout_config;
mod location;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use crate::os::git::checkout::small_file;
use crate::os::git::repository::layout_config::{LayoutConfig, Undecided};
use crate::os::git::repository::location::RepositoryLocation;

pub use crate::os::git::repository::error::RepositoryError;

/// One git repository, found from a folder in it. All paths are absolute and resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    location: RepositoryLocation,
    main: Option<PathBuf>,
    /// Found only through the environment: without it git would find another repository or none.
    by_environment: bool,
}

impl Repository {
    /// The repository that git would find from `folder`; `None` if there is none.
    pub fn of(folder: &Path) -> Result<Option<Self>, RepositoryError> {
        let own = Self::by_location(folder);
        let Some(variable) = by_git::redirecting_variable() else { return own };
        let location = by_git::with_environment(&real(folder), variable)?;
        match own {
            Ok(Some(own)) if own.location.common == location.common => Ok(Some(own)),
            _ => {
                let main = main_checkout_of(&location.common)?;
                Ok(Some(Self { location, main, by_environment: true }))
            }
        }
    }

    /// The repository that contains `folder`, whatever repository the environment names. Fails if git refuses it.
    pub fn by_location(folder: &Path) -> Result<Option<Self>, RepositoryError> {
        let start = real(folder);
        let by_files = if by_git::search_is_changed() { Err(Undecided) } else { location::find(&start) };
        let location = match by_files {
            Ok(location) => location,
            Err(Undecided) => by_git::by_location(&start)?,
        };
        let Some(location) = location else { return Ok(None) };
        let main = main_checkout_of(&location.common)?;
        Ok(Some(Self { location, main, by_environment: false }))
    }

    /// The folder that all checkouts share, which identifies the repository.
    pub fn common(&self) -> &Path {
        &self.location.common
    }

    /// The root of the checkout; `None` in a bare repository and inside a git folder.
    pub fn checkout(&self) -> Option<&Path> {
        self.location.checkout.as_deref()
    }

    /// The folder at which git's search ends.
    pub fn found(&self) -> &Path {
        &self.location.found
    }

    /// The main checkout: its `.git` is the common folder, or `core.worktree` names it. A bare repository has none, nor
    /// has one with a separate git folder that does not name its checkout.
    pub fn main(&self) -> Option<&Path> {
        self.main.as_deref()
    }

    /// Whether this checkout was made by `git worktree add`.
    pub fn is_linked(&self) -> bool {
        self.location.git_dir != self.location.common
    }

    /// A folder in which git finds this repository without help from the environment.
    pub fn folder_for_git(&self) -> &Path {
        if self.by_environment { &self.location.common } else { &self.location.found }
    }

    /// The path of `folder` below the root of its checkout. Fails if it is outside that.
    pub fn below(&self, folder: &Path) -> Result<PathBuf, RepositoryError> {
        let root = self.checkout().unwrap_or(self.found());
        let below = folder.strip_prefix(root).map(Path::to_owned);
        below.map_err(|_| RepositoryError::Outside {
            folder: folder.to_owned(),
            checkout: root.to_owned(),
            common: self.common().to_owned(),
        })
    }

    /// The roots of the linked worktrees that git has on record and that exist.
    pub fn linked_worktrees(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.common().join("worktrees")) else { return Vec::new() };
        let root_of = |entry: fs::DirEntry| {
            let text = small_file(&entry.path().join("gitdir"))?;
            let dot_git = entry.path().join(text.trim_end_matches(['\n', '\r']));
            fs::canonicalize(dot_git.parent()?).ok()
        };
        let mut roots: Vec<PathBuf> = entries.filter_map(Result::ok).filter_map(root_of).collect();
        roots.sort();
        roots
    }
}

/// Resolves links. A missing folder belongs to the repository in which it would be created.
fn real(folder: &Path) -> PathBuf {
    folder.ancestors().find_map(|part| fs::canonicalize(part).ok()).unwrap_or_else(|| folder.to_owned())
}

/// The root of the linked worktree that contains `folder`, if any.
pub fn linked_worktree_of(folder: &Path) -> Option<PathBuf> {
    let repository = Repository::by_location(folder).ok()??;
    repository.checkout().filter(|_| repository.is_linked()).map(Path::to_owned)
}

/// As [`Repository::main`]. Depends only on the common folder, so that all checkouts agree.
fn main_checkout_of(common: &Path) -> Result<Option<PathBuf>, RepositoryError> {
    let config = match LayoutConfig::of(common, common, false) {
        Ok(config) => config,
        Err(Undecided) => by_git::config_of(common)?,
    };
    match (config.bare, config.worktree) {
        (Some(true), Some(_)) => Err(RepositoryError::BareWithWorktree { common: common.to_owned() }),
        (Some(true), None) => Ok(None),
        (_, Some(named)) => match fs::canonicalize(common.join(&named)) {
            Ok(main) => Ok(Some(main)),
            Err(_) => Err(RepositoryError::MainMissing { common: common.to_owned(), named: named.into() }),
        },
        (_, None) => Ok(common.parent().filter(|_| common.ends_with(".git")).map(Path::to_owned)),
    }
}
