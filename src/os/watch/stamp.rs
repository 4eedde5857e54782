//! The state of a file or folder, to detect changes that the kernel does not report.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Equal stamps mean unchanged.
#[derive(Debug, PartialEq)]
pub struct FileStamp {
    /// `None`: the path does not exist.
    own: Option<StatStamp>,
    /// The files in a folder, whose writes do not change the folder itself.
    files: BTreeMap<OsString, StatStamp>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct StatStamp {
    inode: u64,
    length: u64,
    links: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileStamp {
    pub fn of(path: &Path) -> io::Result<Self> {
        let meta = fs::metadata(path)?;
        let files = if meta.is_dir() { files_of(path) } else { BTreeMap::new() };
        Ok(Self { own: Some(StatStamp::of(&meta)), files })
    }

    /// Reads the state again. Returns whether it changed.
    pub(super) fn update(&mut self, path: &Path) -> bool {
        // A folder without files need not be listed while it is unchanged: it may hold thousands of folders.
        if self.files.is_empty() && fs::metadata(path).ok().map(|meta| StatStamp::of(&meta)) == self.own {
            return false;
        }
        let now = Self::of(path).unwrap_or(Self { own: None, files: BTreeMap::new() });
        let changed = *self != now;
        *self = now;
        changed
    }
}

impl StatStamp {
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

fn files_of(folder: &Path) -> BTreeMap<OsString, StatStamp> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| !kind.is_dir())
            && let Ok(meta) = entry.metadata()
        {
            files.insert(entry.file_name(), StatStamp::of(&meta));
        }
    }
    files
}
