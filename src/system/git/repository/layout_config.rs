//! What git's configuration says about the layout of a repository, read without git.
//!
//! Reads plain lines only. Whatever is written in another way is [`Doubt`], and git is asked.

use std::fs;
use std::io;
use std::path::Path;

/// The files leave open what git would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt;

/// The settings that decide where a work tree is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LayoutConfig {
    /// `core.bare`.
    pub(super) bare: Option<bool>,
    /// `core.worktree`, as it is written.
    pub(super) worktree: Option<String>,
    /// `extensions.worktreeConfig`: the file `config.worktree` counts too.
    pub(super) per_worktree: bool,
}

/// A repository with thousands of branches has a long one.
const MAX_CONFIG: u64 = 4 << 20;

/// Extensions that change nothing about the layout, and that every supported git knows.
const KNOWN_EXTENSIONS: [&str; 5] = ["noop", "objectformat", "partialclone", "preciousobjects", "worktreeconfig"];

impl LayoutConfig {
    /// As git reads it for a git folder: `config` of the common folder and, where that says so,
    /// `config.worktree` of the git folder. A linked worktree without the latter ignores both settings.
    pub(super) fn of(git_dir: &Path, common: &Path, linked: bool) -> Result<Self, Doubt> {
        let mut found = Self::default();
        found.read(&common.join("config"))?;
        if found.per_worktree {
            found.read(&git_dir.join("config.worktree"))?;
        } else if linked {
            (found.bare, found.worktree) = (None, None);
        }
        Ok(found)
    }

    fn read(&mut self, path: &Path) -> Result<(), Doubt> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Ok(found) if found.is_file() && found.len() <= MAX_CONFIG => {}
            _ => return Err(Doubt),
        }
        self.lay(&fs::read_to_string(path).map_err(|_| Doubt)?)
    }

    /// Lays the lines of one file over what is known.
    fn lay(&mut self, text: &str) -> Result<(), Doubt> {
        let mut section = String::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(head) = line.strip_prefix('[') {
                let head = head.strip_suffix(']').filter(|head| !head.contains(']')).ok_or(Doubt)?;
                section = head.to_ascii_lowercase();
                continue;
            }
            if line.ends_with('\\') {
                return Err(Doubt);
            }
            let (key, value) = match line.split_once('=') {
                Some((key, value)) => (key.trim().to_ascii_lowercase(), Some(value.trim())),
                None => (line.to_ascii_lowercase(), None),
            };
            self.set(&section, &key, value)?;
        }
        Ok(())
    }

    fn set(&mut self, section: &str, key: &str, value: Option<&str>) -> Result<(), Doubt> {
        match (section, key) {
            ("core", "bare") => self.bare = Some(boolean(value)?),
            ("core", "worktree") => self.worktree = Some(plain(value.ok_or(Doubt)?)?.to_owned()),
            ("core", "repositoryformatversion") if !matches!(value, Some("0" | "1")) => return Err(Doubt),
            ("extensions", "worktreeconfig") => self.per_worktree = boolean(value)?,
            ("extensions", key) if !KNOWN_EXTENSIONS.contains(&key) => return Err(Doubt),
            _ => {}
        }
        Ok(())
    }
}

/// A value that means itself: nothing in it is quoted, escaped or a comment.
fn plain(value: &str) -> Result<&str, Doubt> {
    if value.is_empty() || value.contains(['"', '\\', '#', ';']) { Err(Doubt) } else { Ok(value) }
}

fn boolean(value: Option<&str>) -> Result<bool, Doubt> {
    match value.map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "yes" | "on" | "1") => Ok(true),
        Some("false" | "no" | "off" | "0") => Ok(false),
        Some(_) => Err(Doubt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<LayoutConfig, Doubt> {
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
            assert_eq!(read(text), Err(Doubt), "{text}");
        }
    }
}
