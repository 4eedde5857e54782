//! Copies files that are not in the repository (`.env`, caches) into a new worktree.
//!
//! Must not overwrite, nor read outside the manifest's folder, nor write outside the worktree, neither by `..`
//! nor through a symbolic link.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::model::run_spec::WorktreeSpec;
use crate::os::git::copy_names::named_in;
use crate::os::git::error::GitError;

/// Copies every entry of `copy`, with modes. `log` gets each omission and its reason: an entry without a match, a file
/// that exists already, an entry that is neither file nor folder. Fails if an entry leads out of the project or of the
/// worktree.
pub fn copy_files(spec: &WorktreeSpec, log: &mut dyn FnMut(&str)) -> Result<(), GitError> {
    let root = canonical(spec.project())?;
    for entry in &spec.copy {
        let named = named_in(&root, entry)?;
        if named.is_empty() {
            log(&format!("copy: `{}` matches nothing in `{}`", entry.display(), root.display()));
        }
        for relative in named {
            copy_entry(&root, spec, &relative, log)?;
        }
    }
    Ok(())
}

/// Copies `relative`, a path of plain names below `root`, to the equal path in the worktree.
fn copy_entry(root: &Path, spec: &WorktreeSpec, relative: &Path, log: &mut dyn FnMut(&str)) -> Result<(), GitError> {
    let outside = || GitError::CopyOutside(relative.to_owned());
    let from = match fs::canonicalize(root.join(relative)) {
        Ok(from) if from.starts_with(root) => from,
        Ok(_) => return Err(outside()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            log(&format!("copy: `{}` is a link to nothing", relative.display()));
            return Ok(());
        }
        Err(source) => return Err(GitError::Io { doing: "read", path: root.join(relative), source }),
    };
    let mut to = canonical(&spec.path)?;
    for folder in spec.below.components().chain(relative.parent().into_iter().flat_map(Path::components)) {
        to.push(folder);
        if !make_folder(&to)? {
            return Err(outside());
        }
    }
    to.push(relative.file_name().ok_or_else(outside)?);
    copy(root, &from, &to, log)
}

fn copy(root: &Path, from: &Path, to: &Path, log: &mut dyn FnMut(&str)) -> Result<(), GitError> {
    let read = |source| GitError::Io { doing: "read", path: from.to_owned(), source };
    let kind = fs::symlink_metadata(from).map_err(read)?;
    if kind.is_dir() {
        if !make_folder(to)? {
            log(&format!("copy: `{}` exists already and is not a folder", to.display()));
            return Ok(());
        }
        for entry in fs::read_dir(from).map_err(read)? {
            let name = entry.map_err(read)?.file_name();
            copy(root, &from.join(&name), &to.join(&name), log)?;
        }
        return Ok(());
    }
    let write = |source| GitError::Io { doing: "write", path: to.to_owned(), source };
    let done = if kind.is_symlink() {
        let target = fs::read_link(from).map_err(read)?;
        let inside = fs::canonicalize(from).is_ok_and(|found| found.starts_with(root));
        if target.is_absolute() || !inside {
            log(&format!("copy: `{}` is a link out of the project", from.display()));
            return Ok(());
        }
        symlink(target, to)
    } else if kind.is_file() {
        copy_file(from, to, kind.permissions().mode())
    } else {
        log(&format!("copy: `{}` is neither file nor folder", from.display()));
        return Ok(());
    };
    match done {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            log(&format!("copy: `{}` exists already", to.display()));
            Ok(())
        }
        other => other.map_err(write),
    }
}

fn copy_file(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut source = File::open(from)?;
    // Written to a temporary file first: a killed copy leaves no partial file. An existing file or link is refused, not
    // followed.
    let folder = to.parent().unwrap_or(Path::new("/"));
    let mut target = tempfile::Builder::new().prefix(".dispatch-copy-").tempfile_in(folder)?;
    io::copy(&mut source, &mut target)?;
    target.as_file().set_permissions(fs::Permissions::from_mode(mode & 0o777))?;
    target.persist_noclobber(to).map(drop).map_err(|error| error.error)
}

/// Creates the folder if it is missing. `false` if the path is a link or no folder.
fn make_folder(path: &Path) -> Result<bool, GitError> {
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()))
        }
        Err(source) => Err(GitError::Io { doing: "make", path: path.to_owned(), source }),
    }
}

fn canonical(path: &Path) -> Result<PathBuf, GitError> {
    fs::canonicalize(path).map_err(|source| GitError::Io { doing: "find", path: path.to_owned(), source })
}
