//! What a file or folder looked like, where the kernel does not tell of changes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Two that are equal are taken for unchanged.
#[derive(Debug, PartialEq)]
pub struct Stamp {
    /// `None`: it is gone.
    own: Option<Mark>,
    /// Of a folder: the files in it, whose writes do not show at the folder itself.
    files: BTreeMap<OsString, Mark>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Mark {
    inode: u64,
    length: u64,
    links: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub fn of(path: &Path) -> io::Result<Self> {
        let meta = fs::metadata(path)?;
        let files = if meta.is_dir() { files_of(path) } else { BTreeMap::new() };
        Ok(Self { own: Some(Mark::of(&meta)), files })
    }

    /// Looks again. Whether it changed since.
    pub(super) fn changes(&mut self, path: &Path) -> bool {
        // A folder of folders, which may be thousands, need not be listed while it is as it was.
        if self.files.is_empty() && fs::metadata(path).ok().map(|meta| Mark::of(&meta)) == self.own {
            return false;
        }
        let now = Self::of(path).unwrap_or(Self { own: None, files: BTreeMap::new() });
        let changed = *self != now;
        *self = now;
        changed
    }
}

impl Mark {
    fn of(meta: &Metadata) -> Self {
        Self {
            inode: meta.ino(),
            length: meta.len(),
            links: meta.nlink(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        }
    }
}

fn files_of(folder: &Path) -> BTreeMap<OsString, Mark> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| !kind.is_dir())
            && let Ok(meta) = entry.metadata()
        {
            files.insert(entry.file_name(), Mark::of(&meta));
        }
    }
    files
}
