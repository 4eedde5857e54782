//! Whether a folder is the root of a checkout, and of which repository, from git's own small files.
//!
//! Must not run git, since it is called at every start. Searches no parent folder; [`crate::os::git::Repository`] does.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Whether `path` is the root of a git work tree, main or linked (or a submodule's).
pub fn is_worktree(path: &Path) -> bool {
    git_dir_of(path).is_some_and(|dir| dir.join("HEAD").is_file())
}

/// The folder of a checkout's own HEAD and index.
pub(super) fn git_dir_of(root: &Path) -> Option<PathBuf> {
    let dot_git = root.join(".git");
    if fs::symlink_metadata(&dot_git).ok()?.is_file() {
        let text = small_file(&dot_git)?;
        return Some(root.join(text.strip_prefix("gitdir:")?.trim()));
    }
    dot_git.is_dir().then_some(dot_git)
}

/// Whether `path` is the root of a checkout of the repository with the common folder `common`.
pub fn is_checkout_of(common: &Path, path: &Path) -> bool {
    common_dir_of(path).is_some_and(|found| found == common)
}

/// The folder that all checkouts of a repository share. Only a linked worktree's git folder names one.
pub(super) fn common_dir_of(root: &Path) -> Option<PathBuf> {
    let git_dir = git_dir_of(root)?;
    let common =
        small_file(&git_dir.join("commondir")).and_then(|name| fs::canonicalize(git_dir.join(name.trim())).ok());
    fs::canonicalize(common.unwrap_or(git_dir)).ok()
}

/// Reads one of git's pointer files, which contain one line.
pub(super) fn small_file(path: &Path) -> Option<String> {
    let mut text = String::new();
    // Only regular files: opening another kind may block.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    File::open(path).ok()?.take(8 * 1024).read_to_string(&mut text).ok()?;
    Some(text)
}
