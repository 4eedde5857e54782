//! The part of git's configuration that decides a repository's layout, read without git.
//!
//! Reads plain lines only; anything else is [`Undecided`], and the caller runs git.

use std::path::Path;
use std::{fs, io};

/// git's files do not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Undecided;

/// The settings that decide where a work tree is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LayoutConfig {
    /// `core.bare`.
    pub(super) bare: Option<bool>,
    /// `core.worktree`, as written.
    pub(super) worktree: Option<String>,
    /// `extensions.worktreeConfig`: git also reads the file `config.worktree`.
    pub(super) per_worktree: bool,
}

/// In bytes. Large, for repositories with thousands of branches.
const MAX_CONFIG: u64 = 4 << 20;

/// Extensions that do not change the layout and that every supported git knows.
const KNOWN_EXTENSIONS: [&str; 5] = ["noop", "objectformat", "partialclone", "preciousobjects", "worktreeconfig"];

impl LayoutConfig {
    /// Reads `config` of the common folder and, with `extensions.worktreeConfig`, `config.worktree` of the git folder.
    /// Without that extension, a linked worktree ignores both settings, as in git.
    pub(super) fn of(git_dir: &Path, common: &Path, linked: bool) -> Result<Self, Undecided> {
        let mut found = Self::default();
        found.read(&common.join("config"))?;
        if found.per_worktree {
            found.read(&git_dir.join("config.worktree"))?;
        } else if linked {
            (found.bare, found.worktree) = (None, None);
        }
        Ok(found)
    }

    fn read(&mut self, path: &Path) -> Result<(), Undecided> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Ok(found) if found.is_file() && found.len() <= MAX_CONFIG => {}
            _ => return Err(Undecided),
        }
        self.lay(&fs::read_to_string(path).map_err(|_| Undecided)?)
    }

    /// Applies the lines of one file.
    fn lay(&mut self, text: &str) -> Result<(), Undecided> {
        let mut section = String::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(head) = line.strip_prefix('[') {
                let head = head.strip_suffix(']').filter(|head| !head.contains(']')).ok_or(Undecided)?;
                section = head.to_ascii_lowercase();
                continue;
            }
            if line.ends_with('\\') {
                return Err(Undecided);
            }
            let (key, value) = match line.split_once('=') {
                Some((key, value)) => (key.trim().to_ascii_lowercase(), Some(value.trim())),
                None => (line.to_ascii_lowercase(), None),
            };
            self.set(&section, &key, value)?;
        }
        Ok(())
    }

    fn set(&mut self, section: &str, key: &str, value: Option<&str>) -> Result<(), Undecided> {
        match (section, key) {
            ("core", "bare") => self.bare = Some(boolean(value)?),
            ("core", "worktree") => self.worktree = Some(plain(value.ok_or(Undecided)?)?.to_owned()),
            ("core", "repositoryformatversion") if !matches!(value, Some("0" | "1")) => return Err(Undecided),
            ("extensions", "worktreeconfig") => self.per_worktree = boolean(value)?,
            ("extensions", key) if !KNOWN_EXTENSIONS.contains(&key) => return Err(Undecided),
            _ => {}
        }
        Ok(())
    }
}

/// A value without quotes, escapes and comments.
fn plain(value: &str) -> Result<&str, Undecided> {
    if value.is_empty() || value.contains(['"', '\\', '#', ';']) { Err(Undecided) } else { Ok(value) }
}

fn boolean(value: Option<&str>) -> Result<bool, Undecided> {
    match value.map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "yes" | "on" | "1") => Ok(true),
        Some("false" | "no" | "off" | "0") => Ok(false),
        Some(_) => Err(Undecided),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LayoutConfig, Undecided> {
        let mut found = LayoutConfig::default();
        found.lay(text).map(|()| found)
    }

    #[test]
    fn plain_files_are_read_as_git_reads_them() {
        let text = "[core]\n\trepositoryformatversion = 0\n\tBare = True\n; a comment\n[remote \"core\"]\n\tbare = x\n\
                    [core]\n\tbare = false\n\tworktree = ../../x y\n[Extensions]\n worktreeConfig\n";
        let found = read(text).unwrap();
        assert_eq!(found.bare, Some(false), "the last one wins");
        assert_eq!(found.worktree.as_deref(), Some("../../x y"));
        assert!(found.per_worktree);
        assert_eq!(read("[alias]\n\tx = \"!git y\"\n").unwrap(), LayoutConfig::default());
    }

    #[test]
    fn anything_else_is_left_to_git() {
        for text in [
            "[core] bare = true\n",
            "[core] # [x]\n\tbare = true\n",
            "[core]\n\tworktree = \"../x\"\n",
            "[core]\n\tworktree\n",
            "[core]\n\tbare = tr\\\nue\n",
            "[core]\n\tbare = true # not yet\n",
            "[core]\n\trepositoryformatversion = 2\n",
            "[extensions]\n\tsomethingNew = 1\n",
        ] {
            assert_eq!(read(text), Err(Undecided), "{text}");
        }
    }
}
