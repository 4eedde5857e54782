//! Reads the text files of a manifest. They must be regular files of limited size in UTF-8. Must not know what the text
//! means.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::model::encoding::{to_utf8_hint, utf16};
use crate::model::problem::Problem;

/// The largest manifest, in bytes.
pub const MANIFEST_MAX: u64 = 1 << 20;
/// The largest template, in bytes.
pub(crate) const TEMPLATE_MAX: u64 = 64 << 10;

/// A file's text and path.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub path: PathBuf,
    pub text: Arc<str>,
}

/// Whether a relative path cannot leave the folder that it is joined to: it has no root and no `..`. Callers check
/// links.
pub fn stays_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        && path.components().any(|part| matches!(part, Component::Normal(_)))
}

/// Reads `path` as `what` ("manifest", "template"). Fails if it is no regular file, not UTF-8 or over `max` bytes.
pub(crate) fn read(path: &Path, what: &str, max: u64) -> Result<Source, Problem> {
    let failed = |cause: String| unreadable(path, what, &cause);
    // Checked before opening, since opening a FIFO would wait for a writer.
    let about = fs::metadata(path).map_err(|error| failed(plain(&error)))?;
    if about.is_dir() {
        return Err(failed("it is a folder".to_owned()));
    }
    if !about.is_file() {
        return Err(failed("it is not a regular file".to_owned()));
    }
    if about.len() > max {
        return Err(too_large(path, what, about.len(), max));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or(0) + 1);
    let file = File::open(path).map_err(|error| failed(plain(&error)))?;
    file.take(max + 1).read_to_end(&mut bytes).map_err(|error| failed(plain(&error)))?;
    if bytes.len() as u64 > max {
        return Err(failed(format!("it is more than the {} KiB allowed", max >> 10)));
    }
    if let Some(encoding) = utf16(&bytes) {
        let problem = Problem::error(format!("the {what} is {encoding}, not UTF-8")).in_file(path);
        return Err(problem.hint(to_utf8_hint(encoding, path)));
    }
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(path, what, error.as_bytes(), error.utf8_error()))?;
    Ok(Source { path: path.to_owned(), text: without_mark(&text) })
}

fn unreadable(path: &Path, what: &str, cause: &str) -> Problem {
    Problem::error(format!("cannot read the {what}: {cause}")).in_file(path)
}

pub(crate) fn too_large(path: &Path, what: &str, bytes: u64, max: u64) -> Problem {
    unreadable(path, what, &format!("it is {bytes} bytes, more than the {} KiB allowed", max >> 10))
}

/// The text without a byte order mark.
pub(crate) fn without_mark(text: &str) -> Arc<str> {
    text.strip_prefix('\u{feff}').unwrap_or(text).into()
}

/// The problem at the first byte that is not UTF-8, in the text with U+FFFD for invalid bytes.
fn not_utf8(path: &Path, what: &str, bytes: &[u8], error: std::str::Utf8Error) -> Problem {
    let start = error.valid_up_to();
    let byte = bytes.get(start).copied().unwrap_or_default();
    let shown: Arc<str> = String::from_utf8_lossy(bytes).into();
    Problem::error(format!("the {what} is not UTF-8: byte 0x{byte:02x}")).at(
        path,
        &shown,
        start,
        start + '\u{fffd}'.len_utf8(),
    )
}

/// An IO error in words, without "(os error 2)".
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotADirectory => "a part of its path is not a folder".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_only_without_root_and_parent_steps() {
        for ok in ["a", "./a", "a/b.md", "a/./b"] {
            assert!(stays_below(Path::new(ok)), "{ok}");
        }
        for bad in ["", ".", "/a", "../a", "a/../b", "a/.."] {
            assert!(!stays_below(Path::new(bad)), "{bad}");
        }
    }
}
