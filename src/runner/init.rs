//! Writing a starter project.

use std::io;
use std::path::{Path, PathBuf};

use crate::manifest;
use crate::system::store::record_file;

/// What became of one starter file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    New,
    /// Something stands there already.
    Kept,
}

/// Writes the starter files below `folder`; what is there stays as it is.
pub fn write_starter(folder: &Path) -> io::Result<Vec<(PathBuf, Wrote)>> {
    let mut report = Vec::new();
    for (relative, content) in manifest::starter_files() {
        let path = folder.join(relative);
        let wrote = if record_file::write_text_new(&path, content)? { Wrote::New } else { Wrote::Kept };
        report.push((PathBuf::from(relative), wrote));
    }
    Ok(report)
}
