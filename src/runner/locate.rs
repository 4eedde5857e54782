//! Which manifest is meant (CONTRACT section 3), without reading it.

use std::path::{Path, PathBuf};

use crate::manifest::discover;
use crate::system::environment;
use crate::system::git;

/// The file a manifest is looked for as.
pub const FILE_NAME: &str = "dispatch.yaml";

/// Where to look from.
#[derive(Clone, Debug, Default)]
pub struct Whence {
    /// `-f`.
    pub file: Option<PathBuf>,
    /// The folder the command was given in, absolute.
    pub folder: PathBuf,
}

/// A manifest that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Absolute.
    pub manifest: PathBuf,
    /// The linked worktree that `folder` lies in, if it does.
    pub worktree: Option<PathBuf>,
}

/// `-f`; else `DISPATCH_MANIFEST`; else, inside a linked worktree, the main checkout's; else here
/// or in a parent folder. `None` where there is none.
pub fn locate(whence: &Whence) -> Option<Located> {
    let linked = git::main_checkout_of(&whence.folder);
    let worktree = linked.as_ref().map(|linked| linked.worktree_root.clone());
    let named = whence.file.clone().or_else(|| environment::var("DISPATCH_MANIFEST").map(PathBuf::from));
    if let Some(file) = named {
        return Some(Located { manifest: whence.folder.join(file), worktree });
    }
    if let Some(linked) = &linked
        && let Some(manifest) = in_main_checkout(&whence.folder, &linked.worktree_root, &linked.main_root)
    {
        return Some(Located { manifest, worktree });
    }
    discover::find_upward(&whence.folder).map(|manifest| Located { manifest, worktree })
}

/// The same relative path in the main checkout, from `folder` up to the worktree's root.
fn in_main_checkout(folder: &Path, worktree: &Path, main: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    folder
        .ancestors()
        .take_while(|ancestor| ancestor.starts_with(worktree))
        .filter_map(|ancestor| ancestor.strip_prefix(worktree).ok())
        .map(|relative| main.join(relative).join(FILE_NAME))
        .find(|candidate| git::exists(candidate))
}
