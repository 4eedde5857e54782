//! Finds the repository of a folder from git's own files (`gitrepository-layout`), as git finds it.
//!
//! Must not run git, since it is called at every start. If the files do not decide, the result is [`Undecided`].

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::os::git::checkout::small_file;
use crate::os::git::repository::layout_config::{LayoutConfig, Undecided};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RepositoryLocation {
    /// The folder at which git's search ends: it contains the `.git`.
    pub(super) found: PathBuf,
    /// The git folder of this checkout.
    pub(super) git_dir: PathBuf,
    /// The git folder that all checkouts share.
    pub(super) common: PathBuf,
    /// `None` if git sees no work tree.
    pub(super) checkout: Option<PathBuf>,
}

/// The repository of `start`, which is absolute and resolved; `None` if it is in none.
pub(super) fn find(start: &Path) -> Result<Option<RepositoryLocation>, Undecided> {
    let device = fs::metadata(start).map_err(|_| Undecided)?.dev();
    for folder in start.ancestors() {
        // git does not search beyond the folder's file system.
        if fs::metadata(folder).map_err(|_| Undecided)?.dev() != device {
            return Ok(None);
        }
        match fs::symlink_metadata(folder.join(".git")) {
            Ok(found) if found.is_dir() => return of_git_dir(folder, &folder.join(".git")).map(Some),
            Ok(found) if found.is_file() => return of_git_dir(folder, &named_in(folder)?).map(Some),
            Ok(_) => return Err(Undecided),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return Err(Undecided),
        }
        if is_git_dir(folder, folder) {
            return Err(Undecided);
        }
    }
    Ok(None)
}

/// The first `.git` at which git's search would stop with an error.
pub(super) fn obstacle(start: &Path) -> Option<PathBuf> {
    start.ancestors().find_map(|folder| {
        let dot_git = folder.join(".git");
        let stops = fs::metadata(&dot_git).is_ok_and(|found| found.is_file() || is_git_dir(&dot_git, &dot_git));
        if stops { Some(dot_git) } else { is_git_dir(folder, folder).then(|| folder.to_owned()) }
    })
}

/// The git folder that the file `.git` in `folder` names.
fn named_in(folder: &Path) -> Result<PathBuf, Undecided> {
    let text = small_file(&folder.join(".git")).ok_or(Undecided)?;
    let name = text.strip_prefix("gitdir: ").ok_or(Undecided)?.trim_end_matches(['\n', '\r']);
    if name.is_empty() || name != name.trim() {
        return Err(Undecided);
    }
    Ok(folder.join(name))
}

fn of_git_dir(found: &Path, git_dir: &Path) -> Result<RepositoryLocation, Undecided> {
    let git_dir = fs::canonicalize(git_dir).map_err(|_| Undecided)?;
    let named = small_file(&git_dir.join("commondir"));
    let common = match &named {
        Some(name) => fs::canonicalize(git_dir.join(name.trim_end_matches(['\n', '\r']))).map_err(|_| Undecided)?,
        None if git_dir.join("commondir").symlink_metadata().is_ok() => return Err(Undecided),
        None => git_dir.clone(),
    };
    if !is_git_dir(&git_dir, &common) {
        return Err(Undecided);
    }
    let config = LayoutConfig::of(&git_dir, &common, named.is_some())?;
    let checkout = match (config.bare, config.worktree) {
        (Some(true), Some(_)) => return Err(Undecided),
        (Some(true), None) => None,
        (_, Some(named)) => Some(fs::canonicalize(git_dir.join(named)).map_err(|_| Undecided)?),
        (_, None) => Some(found.to_owned()),
    };
    Ok(RepositoryLocation { found: found.to_owned(), git_dir, common, checkout })
}

/// Whether git would accept it as a git folder.
fn is_git_dir(git_dir: &Path, common: &Path) -> bool {
    common.join("objects").is_dir() && common.join("refs").is_dir() && has_head(&git_dir.join("HEAD"))
}

fn has_head(path: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(path) else { return false };
    if !found.is_file() {
        return found.is_symlink();
    }
    let mut start = [0; 40];
    let read = fs::File::open(path).and_then(|mut file| {
        let mut at = 0;
        while at < start.len() {
            match file.read(&mut start[at..])? {
                0 => break,
                some => at += some,
            }
        }
        Ok(at)
    });
    let start = &start[..read.unwrap_or(0)];
    start.starts_with(b"ref:") || start.len() == 40 && start.iter().all(u8::is_ascii_hexdigit)
}
