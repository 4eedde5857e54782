//! The home of a project: the folder that gives it its name and contains its state folder.

use std::path::{Path, PathBuf};

use crate::manifest::discover::DEFAULT_STATE_DIR;

/// The state folder in a repository without a main checkout, relative to its common folder.
const SHARED_STATE_DIR: &str = "dispatch";

/// All checkouts of a repository share one home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The name of the project, and of its tmux session, unless the manifest sets another.
    pub name: String,
    /// The folder that `state_dir` of the manifest is relative to.
    base: PathBuf,
    /// The default state folder, relative to `base`.
    usual: &'static str,
    /// Separates the manifests of one repository that share a `base`.
    below: PathBuf,
}

impl Home {
    /// The home in the manifest's own folder, or in that of the main checkout.
    pub fn in_folder(folder: &Path) -> Self {
        Self { name: name(folder), base: folder.to_owned(), usual: DEFAULT_STATE_DIR, below: PathBuf::new() }
    }

    /// The home in a repository without a main checkout; the manifest's folder is `below` the root of each checkout.
    pub fn in_repository(common: &Path, below: &Path) -> Self {
        let name = common.parent().map(name).unwrap_or_default();
        Self { name, base: common.to_owned(), usual: SHARED_STATE_DIR, below: below.to_owned() }
    }

    /// The default state folder.
    pub fn usual_state_dir(&self) -> PathBuf {
        self.state_dir(self.usual)
    }

    /// The state folder for `state_dir: text`.
    pub(crate) fn state_dir(&self, text: &str) -> PathBuf {
        let folder = self.base.join(text);
        // Joining an empty path would append a slash.
        let alone = Path::new(text).is_absolute() || self.below.as_os_str().is_empty();
        if alone { folder } else { folder.join(&self.below) }
    }

    /// A state folder as a manifest would write it.
    pub(crate) fn shown(&self, folder: &Path) -> String {
        folder.strip_prefix(&self.base).unwrap_or(folder).display().to_string()
    }

    pub(crate) fn base(&self) -> &Path {
        &self.base
    }
}

fn name(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_lies_beside_the_manifest_or_in_the_common_folder() {
        let own = Home::in_folder(Path::new("/a/project"));
        assert_eq!((own.name.as_str(), own.usual_state_dir()), ("project", "/a/project/.dispatch".into()));
        assert_eq!(own.state_dir("../s"), Path::new("/a/project/../s"));
        let shared = Home::in_repository(Path::new("/a/p/.bare"), Path::new(""));
        assert_eq!((shared.name.as_str(), shared.usual_state_dir()), ("p", "/a/p/.bare/dispatch".into()));
        assert_eq!(shared.usual_state_dir().to_str(), Some("/a/p/.bare/dispatch"));
        let below = Home::in_repository(Path::new("/a/p/.bare"), Path::new("x/y"));
        assert_eq!(below.usual_state_dir(), Path::new("/a/p/.bare/dispatch/x/y"));
        assert_eq!(below.state_dir("s"), Path::new("/a/p/.bare/s/x/y"));
        assert_eq!(below.state_dir("/s"), Path::new("/s"));
    }
}
