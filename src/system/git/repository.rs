//! Which repository a folder belongs to, in git's own terms: the common folder that all checkouts
//! share, the root of this checkout, and the main checkout where there is one.
//!
//! The usual layouts are read from git's files; where these leave anything open, or the environment
//! names a repository, git is asked. Both give the same answer.

mod ask;
mod error;
mod layout_config;
mod place;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use crate::system::git::checkout::small_file;
use crate::system::git::repository::layout_config::{Doubt, LayoutConfig};
use crate::system::git::repository::place::Place;

pub use crate::system::git::repository::error::RepositoryError;

/// One git repository, as seen from a folder in it. All paths are absolute and without links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    place: Place,
    main: Option<PathBuf>,
    /// Known by the environment alone: git without it would find another one, or none.
    by_environment: bool,
}

impl Repository {
    /// The repository of `folder` as git would say it here, or `None` where it is in none.
    pub fn of(folder: &Path) -> Result<Option<Self>, RepositoryError> {
        let own = Self::by_place(folder);
        let Some(variable) = ask::redirecting_variable() else { return own };
        let told = ask::with_environment(&real(folder), variable)?;
        match own {
            Ok(Some(own)) if own.place.common == told.common => Ok(Some(own)),
            _ => {
                let main = main_checkout_of(&told.common)?;
                Ok(Some(Self { place: told, main, by_environment: true }))
            }
        }
    }

    /// The repository that `folder` lies in, whatever one the environment names.
    pub fn by_place(folder: &Path) -> Result<Option<Self>, RepositoryError> {
        let start = real(folder);
        let place = match ask::search_is_changed() {
            false => place::find(&start),
            true => Err(Doubt),
        };
        let place = match place {
            Ok(place) => place,
            Err(Doubt) => ask::by_place(&start)?,
        };
        let Some(place) = place else { return Ok(None) };
        let main = main_checkout_of(&place.common)?;
        Ok(Some(Self { place, main, by_environment: false }))
    }

    /// The folder that all checkouts share: it is the repository.
    pub fn common(&self) -> &Path {
        &self.place.common
    }

    /// The root of the checkout; `None` in a bare repository and inside a git folder.
    pub fn checkout(&self) -> Option<&Path> {
        self.place.checkout.as_deref()
    }

    /// The folder at which git's search for the repository ended.
    pub fn found(&self) -> &Path {
        &self.place.found
    }

    /// The main checkout: the common folder is its `.git`, or names it by `core.worktree`. Of a bare
    /// repository, and of one whose git folder lies elsewhere, nothing says which one it is.
    pub fn main(&self) -> Option<&Path> {
        self.main.as_deref()
    }

    /// A checkout of its own beside the main one, made by `git worktree add`.
    pub fn is_linked(&self) -> bool {
        self.place.git_dir != self.place.common
    }

    /// A folder in which git finds this repository without help from the environment.
    pub fn folder_for_git(&self) -> &Path {
        if self.by_environment { &self.place.common } else { &self.place.found }
    }

    /// The path of `folder` below the root of its checkout.
    pub fn below(&self, folder: &Path) -> Result<PathBuf, RepositoryError> {
        let root = self.checkout().unwrap_or(self.found());
        let below = folder.strip_prefix(root).map(Path::to_owned);
        below.map_err(|_| RepositoryError::Outside {
            folder: folder.to_owned(),
            checkout: root.to_owned(),
            common: self.common().to_owned(),
        })
    }

    /// The roots of the linked worktrees that git has on record and that are there.
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

/// Without links. One that is not there lies in the repository in which it would be made.
fn real(folder: &Path) -> PathBuf {
    folder.ancestors().find_map(|part| fs::canonicalize(part).ok()).unwrap_or_else(|| folder.to_owned())
}

/// The root of the linked worktree that `folder` lies in, if it does.
pub fn linked_worktree_of(folder: &Path) -> Option<PathBuf> {
    let repository = Repository::by_place(folder).ok()??;
    repository.checkout().filter(|_| repository.is_linked()).map(Path::to_owned)
}

/// See [`Repository::main`]. Depends on the common folder alone, so that all checkouts agree.
fn main_checkout_of(common: &Path) -> Result<Option<PathBuf>, RepositoryError> {
    let config = match LayoutConfig::of(common, common, false) {
        Ok(config) => config,
        Err(Doubt) => ask::config_of(common)?,
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
