//! A text that somebody is about to save, read in place of the file it is meant for.
//!
//! So a change is checked before it is made, and its mistakes carry the file's own name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::manifest::source::{self, Source};
use crate::model::problem::Problem;

/// See the module. `path` is the file's as [`crate::manifest::resolve`] and the manifest spell it.
#[derive(Clone, Debug)]
pub struct Draft {
    pub path: PathBuf,
    pub text: Arc<str>,
}

impl Draft {
    /// Whether the file at `path` is the one that is meant.
    pub(crate) fn is_of(draft: Option<&Self>, path: &Path) -> bool {
        draft.is_some_and(|draft| draft.path == path)
    }
}

/// Reads `path` as [`source::read`] does, or the draft of it.
pub(crate) fn read(draft: Option<&Draft>, path: &Path, what: &str, max: u64) -> Result<Source, Problem> {
    let Some(draft) = draft.filter(|draft| draft.path == path) else { return source::read(path, what, max) };
    if draft.text.len() as u64 > max {
        return Err(source::too_large(path, what, draft.text.len() as u64, max));
    }
    Ok(Source { path: path.to_owned(), text: source::without_mark(&draft.text) })
}
