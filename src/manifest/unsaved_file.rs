//! Texts to be saved, read in place of their files: they are checked before they are saved, and their problems name
//! the files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::manifest::source::{self, Source};
use crate::model::problem::Problem;

/// A file with its new text. `path` is spelled as the manifest's own path and the paths that the manifest resolves: it
/// is compared with them as it is.
#[derive(Clone, Debug)]
pub struct UnsavedFile {
    pub path: PathBuf,
    pub text: Arc<str>,
}

impl UnsavedFile {
    /// Whether one of `unsaved` replaces the file at `path`.
    pub(crate) fn replaces(unsaved: &[Self], path: &Path) -> bool {
        unsaved.iter().any(|unsaved| unsaved.path == path)
    }
}

/// The text to be saved at `path`, if one of `unsaved` is for that file; else the file. Fails where it cannot be read
/// or is longer than `max` bytes.
pub(crate) fn read(unsaved: &[UnsavedFile], path: &Path, what: &str, max: u64) -> Result<Source, Problem> {
    let Some(unsaved) = unsaved.iter().find(|unsaved| unsaved.path == path) else {
        return source::read(path, what, max);
    };
    let size = unsaved.text.len() as u64;
    if size > max {
        return Err(source::too_large(path, what, size, max));
    }
    Ok(Source { path: path.to_owned(), text: source::without_mark(&unsaved.text) })
}
