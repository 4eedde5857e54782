//! Finds the manifest of a folder. Must not know how a linked worktree leads to its main checkout.

use std::path::{Path, PathBuf};

/// The default state folder, relative to the manifest's folder.
pub const DEFAULT_STATE_DIR: &str = ".dispatch";

/// The manifest's usual name.
pub const MANIFEST_NAME: &str = "dispatch.yaml";

/// The other common extension of YAML files.
const MISNAMED: &str = "dispatch.yml";

/// `dispatch.yaml` in `start` or its nearest parent that has one. Anything but a folder counts, so that a FIFO or a
/// dangling link is reported and not ignored.
pub fn find_upward(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(MANIFEST_NAME)).find(|path| is_manifest(path))
}

/// The nearest `dispatch.yml`.
pub fn find_misnamed(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(MISNAMED)).find(|path| path.is_file())
}

/// Whether `path` exists and is no folder.
pub fn is_manifest(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|about| !about.is_dir())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_manifest_wins_and_a_folder_of_its_name_does_not_count() {
        let top = tempfile::tempdir().unwrap();
        let deep = top.path().join("a/b");
        fs::create_dir_all(deep.join("dispatch.yaml")).unwrap();
        assert_eq!(find_upward(&deep), None);
        fs::write(top.path().join("dispatch.yaml"), "version: 1\n").unwrap();
        assert_eq!(find_upward(&deep), Some(top.path().join("dispatch.yaml")));
        fs::write(top.path().join("a/dispatch.yaml"), "version: 1\n").unwrap();
        assert_eq!(find_upward(&deep), Some(top.path().join("a/dispatch.yaml")));
    }
}
