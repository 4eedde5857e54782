//! Writes the files of a starter project. Never overwrites a file.

use std::io;
use std::path::{Path, PathBuf};

use crate::lifecycle::failure::{Failure, Kind};
use crate::manifest;
use crate::store::record_file;

const EXAMPLE_FOLDER: &str = "tasks";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StarterFile {
    New,
    Kept,
}

/// A starter file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct InitError {
    path: PathBuf,
    source: io::Error,
}

impl From<InitError> for Failure {
    fn from(error: InitError) -> Self {
        Self::chain(Kind::Failed, &error)
    }
}

/// Writes the starter files that do not exist below `folder`; the example task only if the task folder is empty.
pub fn write_starter(folder: &Path) -> Result<Vec<(PathBuf, StarterFile)>, InitError> {
    let mut report = Vec::new();
    let has_tasks = record_file::holds_any(&folder.join(EXAMPLE_FOLDER));
    for (relative, content) in manifest::starter_files() {
        let relative = Path::new(relative);
        let path = folder.join(relative);
        if has_tasks && relative.starts_with(EXAMPLE_FOLDER) && !path.exists() {
            report.push((PathBuf::from(EXAMPLE_FOLDER), StarterFile::Kept));
            continue;
        }
        match record_file::write_text_new(&path, content) {
            Ok(true) => report.push((relative.to_owned(), StarterFile::New)),
            Ok(false) => report.push((relative.to_owned(), StarterFile::Kept)),
            Err(source) => return Err(InitError { path, source }),
        }
    }
    Ok(report)
}
