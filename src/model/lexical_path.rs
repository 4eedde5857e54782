//! Paths as text: no file is read, so a path may name what does not exist yet.

use std::path::{Component, Path, PathBuf};

/// `path` without `.` and `..`.
pub fn without_dots(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_removed_and_the_root_is_the_highest_parent() {
        for (path, plain) in [("/a/./b/../c", "/a/c"), ("/../a", "/a"), ("a/..", ""), ("a/b/", "a/b")] {
            assert_eq!(without_dots(Path::new(path)), Path::new(plain));
        }
    }
}
