//! Finds the repository of a folder as git finds it, from git's own files (`gitrepository-layout`).
//!
//! Must not run git: this is asked at every start. What the files leave open is [`Doubt`].

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::system::git::checkout::small_file;
use crate::system::git::repository::layout_config::{Doubt, LayoutConfig};

/// Where a folder stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The folder where git's search ends: it has the `.git`.
    pub(super) found: PathBuf,
    /// What belongs to this checkout alone.
    pub(super) git_dir: PathBuf,
    /// What all checkouts share.
    pub(super) common: PathBuf,
    /// `None` where git sees no work tree.
    pub(super) checkout: Option<PathBuf>,
}

/// The repository of `start`, which is absolute and without links; `None` where it is in none.
pub(super) fn find(start: &Path) -> Result<Option<Place>, Doubt> {
    let device = fs::metadata(start).map_err(|_| Doubt)?.dev();
    for folder in start.ancestors() {
        // git does not look beyond the file system that it starts on.
        if fs::metadata(folder).map_err(|_| Doubt)?.dev() != device {
            return Ok(None);
        }
        match fs::symlink_metadata(folder.join(".git")) {
            Ok(found) if found.is_dir() => return of_git_dir(folder, &folder.join(".git")).map(Some),
            Ok(found) if found.is_file() => return of_git_dir(folder, &named_in(folder)?).map(Some),
            Ok(_) => return Err(Doubt),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return Err(Doubt),
        }
        if is_git_dir(folder, folder) {
            return Err(Doubt);
        }
    }
    Ok(None)
}

/// What stands in the way where git fails: the first `.git` that it would stop at.
pub(super) fn obstacle(start: &Path) -> Option<PathBuf> {
    start.ancestors().find_map(|folder| {
        let dot_git = folder.join(".git");
        let stops = fs::metadata(&dot_git).is_ok_and(|found| found.is_file() || is_git_dir(&dot_git, &dot_git));
        if stops { Some(dot_git) } else { is_git_dir(folder, folder).then(|| folder.to_owned()) }
    })
}

/// The git folder that the file `.git` in `folder` names.
fn named_in(folder: &Path) -> Result<PathBuf, Doubt> {
    let text = small_file(&folder.join(".git")).ok_or(Doubt)?;
    let name = text.strip_prefix("gitdir: ").ok_or(Doubt)?.trim_end_matches(['\n', '\r']);
    if name.is_empty() || name != name.trim() {
        return Err(Doubt);
    }
    Ok(folder.join(name))
}

fn of_git_dir(found: &Path, git_dir: &Path) -> Result<Place, Doubt> {
    let git_dir = fs::canonicalize(git_dir).map_err(|_| Doubt)?;
    let named = small_file(&git_dir.join("commondir"));
    let common = match &named {
        Some(name) => fs::canonicalize(git_dir.join(name.trim_end_matches(['\n', '\r']))).map_err(|_| Doubt)?,
        None if git_dir.join("commondir").symlink_metadata().is_ok() => return Err(Doubt),
        None => git_dir.clone(),
    };
    if !is_git_dir(&git_dir, &common) {
        return Err(Doubt);
    }
    let config = LayoutConfig::of(&git_dir, &common, named.is_some())?;
    let checkout = match (config.bare, config.worktree) {
        (Some(true), Some(_)) => return Err(Doubt),
        (Some(true), None) => None,
        (_, Some(named)) => Some(fs::canonicalize(git_dir.join(named)).map_err(|_| Doubt)?),
        (_, None) => Some(found.to_owned()),
    };
    Ok(Place { found: found.to_owned(), git_dir, common, checkout })
}

/// Whether git would take it for a git folder.
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
