//! Finds the files and folders that an entry of `worktree.copy` matches: a path, or a glob.
//!
//! `*`, `?` and `[…]` match within one name and `**` any number of folders; as in a shell, none matches a name
//! that starts with a dot. Links are matched and not followed, and `.git` is never matched.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use glob::{MatchOptions, Pattern};

use crate::os::git::error::GitError;

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
/// Most names that are read for one entry.
const NAMES_MAX: usize = 100_000;

/// The paths below `root` that `entry` matches, sorted and relative to it. An existing path matches itself, whatever
/// its characters. Fails if `entry` leads out of `root`.
pub fn named_in(root: &Path, entry: &Path) -> Result<Vec<PathBuf>, GitError> {
    let parts: Vec<_> = entry.components().filter(|part| *part != Component::CurDir).collect();
    let plain = parts.iter().all(|part| matches!(part, Component::Normal(name) if *name != ".git"));
    if parts.is_empty() || !plain {
        return Err(GitError::CopyOutside(entry.to_owned()));
    }
    let path: PathBuf = parts.iter().collect();
    if fs::symlink_metadata(root.join(&path)).is_ok() {
        return Ok(vec![path]);
    }
    let names: Vec<&str> =
        parts.iter().map(|part| part.as_os_str().to_str()).collect::<Option<_>>().unwrap_or_default();
    if !names.iter().any(|name| name.contains(['*', '?', '['])) {
        return Ok(Vec::new());
    }
    let patterns = names.iter().map(|name| Pattern::new(name)).collect::<Result<Vec<_>, _>>();
    let patterns = patterns.map_err(|error| {
        let source = io::Error::new(io::ErrorKind::InvalidInput, error);
        GitError::Io { doing: "read as a glob", path: entry.to_owned(), source }
    })?;
    let mut names = CopySearch { root, patterns: &patterns, found: Vec::new(), seen: 0 };
    names.search(Path::new(""), 0)?;
    names.found.sort();
    names.found.dedup();
    Ok(names.found)
}

struct CopySearch<'a> {
    root: &'a Path,
    patterns: &'a [Pattern],
    found: Vec<PathBuf>,
    seen: usize,
}

impl CopySearch<'_> {
    /// Searches `folder` for names that match the patterns from `at` on.
    fn search(&mut self, folder: &Path, at: usize) -> Result<(), GitError> {
        let Some(pattern) = self.patterns.get(at) else { return Ok(()) };
        let is_last = at + 1 == self.patterns.len();
        let any_depth = pattern.as_str() == "**";
        if any_depth && !is_last {
            self.search(folder, at + 1)?;
        }
        let full = self.root.join(folder);
        let failed = |source| GitError::Io { doing: "read", path: full.clone(), source };
        for entry in fs::read_dir(&full).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            self.seen += 1;
            if self.seen > NAMES_MAX {
                return Err(failed(io::Error::other("a glob of `worktree.copy` looks at too many files")));
            }
            let name = entry.file_name();
            if name == OsStr::new(".git") || !name.to_str().is_some_and(|name| pattern.matches_with(name, OPTIONS)) {
                continue;
            }
            let path = folder.join(&name);
            let is_folder = entry.file_type().map_err(failed)?.is_dir();
            if is_last {
                self.found.push(path);
            } else if is_folder {
                self.search(&path, if any_depth { at } else { at + 1 })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_path_or_a_glob() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("config/deep")).unwrap();
        fs::create_dir(root.join(".git")).unwrap();
        for file in [".env", ".env.local", "a[1]", "a1", "config/x.key", "config/deep/y.key"] {
            fs::write(root.join(file), "").unwrap();
        }
        let named = |entry: &str| -> Vec<String> {
            let found = named_in(root, Path::new(entry)).unwrap();
            found.iter().map(|path| path.to_str().unwrap().to_owned()).collect()
        };
        for (entry, expected) in [
            (".env", &[".env"][..]),
            ("./.env*", &[".env", ".env.local"]),
            ("*", &["a1", "a[1]", "config"]),
            ("a[1]", &["a[1]"]),
            ("a[0-9]", &["a1"]),
            ("config/*.key", &["config/x.key"]),
            ("**/*.key", &["config/deep/y.key", "config/x.key"]),
            ("con*/deep", &["config/deep"]),
            ("no", &[]),
            ("no*", &[]),
            (".g*", &[]),
        ] {
            assert_eq!(named(entry), expected, "{entry}");
        }
        for outside in ["..", "../*", "/etc/*", "", ".", "x/.git/y", "a[*"] {
            assert!(named_in(root, Path::new(outside)).is_err(), "{outside}");
        }
    }
}
