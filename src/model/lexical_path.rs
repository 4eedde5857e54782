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

/// How far up a relative path goes, at most.
const PARENTS: usize = 2;

/// `path` as seen from `base`; both are absolute and without dots. `None` if they have only the root in common, or the
/// way leads more than two folders up: then the absolute path is easier to read.
pub fn seen_from(path: &Path, base: &Path) -> Option<PathBuf> {
    let up = base.ancestors().take(PARENTS + 1).position(|parent| path.starts_with(parent))?;
    let common = base.ancestors().nth(up).filter(|common| *common == base || common.parent().is_some())?;
    let down = path.strip_prefix(common).ok()?;
    let relative: PathBuf = std::iter::repeat_n(Component::ParentDir, up).chain(down.components()).collect();
    Some(if relative.as_os_str().is_empty() { PathBuf::from(".") } else { relative })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_from_the_project_if_it_is_near() {
        for (path, base, shown) in [
            ("/work/shop", "/work/shop", Some(".")),
            ("/work/shop/web/app", "/work/shop", Some("web/app")),
            ("/work/trees/A/web", "/work/shop", Some("../trees/A/web")),
            ("/work/trees/A", "/work/shop/web", Some("../../trees/A")),
            ("/work/trees/A", "/work/shop/web/app", None),
            ("/work/shopping", "/work/shop", Some("../shopping")),
            ("/tmp/A", "/shop", None),
            ("/tmp/A", "/work/shop", None),
            ("/tmp/A", "/", Some("tmp/A")),
        ] {
            assert_eq!(seen_from(Path::new(path), Path::new(base)), shown.map(PathBuf::from), "{path} from {base}");
        }
    }

    #[test]
    fn dots_are_removed_and_the_root_is_the_highest_parent() {
        for (path, plain) in [("/a/./b/../c", "/a/c"), ("/../a", "/a"), ("a/..", ""), ("a/b/", "a/b")] {
            assert_eq!(without_dots(Path::new(path)), Path::new(plain));
        }
    }
}
