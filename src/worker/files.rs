//! The project files that can be edited through the server: the manifest, `dispatch.local.yaml` beside it, and the
//! subtask files named in the manifest. Must not read or write any other file.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::project::check::check_draft;
use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::project::{Depth, Project, located};
use crate::manifest::{self, LOCAL_NAME, MANIFEST_MAX, UnsavedFile};
use crate::model::task_source::TaskSource;
use crate::os::text_file::{TextFile, TextFileError};
use crate::view::problem_view::ProblemView;

pub(super) fn read(location: &ManifestLocation, name: &str) -> Result<Value, Failure> {
    let held = hold(&find(location, name)?, name)?;
    let bytes = held.bytes().ok_or_else(|| unknown(name, "there is no such file yet"))?;
    let text = std::str::from_utf8(bytes).map_err(|_| Failure::new(Kind::Failed, format!("`{name}` is not UTF-8")))?;
    Ok(json!({ "name": name, "text": text, "etag": etag(bytes) }))
}

pub(super) fn write(
    location: &ManifestLocation,
    name: &str,
    text: &str,
    expected_etag: &str,
) -> Result<Value, Failure> {
    if text.len() as u64 > MANIFEST_MAX {
        return Err(Failure::new(Kind::Usage, format!("`{name}` may have {} KiB at most", MANIFEST_MAX >> 10)));
    }
    let file = find(location, name)?;
    let held = hold(&file, name)?;
    if held.bytes().map(etag).unwrap_or_default() != expected_etag {
        return Err(stale(name));
    }
    let checked = check_draft(location, &UnsavedFile { path: file.path, text: text.into() })?;
    if checked.has_errors() {
        return Err(Failure::of_problems(checked.problems));
    }
    match held.replace(text.as_bytes()) {
        Ok(()) => {}
        Err(TextFileError::Exists) => return Err(stale(name)),
        Err(error) => return Err(Failure::chain(Kind::Failed, &error)),
    }
    let problems: Vec<ProblemView> = checked.problems.iter().map(ProblemView::new).collect();
    Ok(json!({ "name": name, "etag": etag(text.as_bytes()), "problems": problems }))
}

struct EditableFile {
    root: PathBuf,
    path: PathBuf,
}

/// Finds the file `name`. The manifest is found even if it has errors, so that it can be repaired. Fails for others.
fn find(location: &ManifestLocation, name: &str) -> Result<EditableFile, Failure> {
    let located = located(location)?;
    let (path, root) = manifest::resolve(&located.manifest).map_err(|problem| Failure::of_problems(vec![problem]))?;
    let wanted = Path::new(name);
    if path.file_name() == Some(wanted.as_os_str()) {
        return Ok(EditableFile { root, path });
    }
    if name == LOCAL_NAME {
        return Ok(EditableFile { path: root.join(LOCAL_NAME), root });
    }
    let project = Project::open(location, Depth::Shape)?;
    let path = project.manifest.tasks.into_iter().find_map(|source| match source {
        TaskSource::Subtasks(file) if file.path.strip_prefix(&root).is_ok_and(|below| below == wanted) => {
            Some(file.path)
        }
        _ => None,
    });
    match path {
        Some(path) => Ok(EditableFile { root, path }),
        None => Err(unknown(name, "it is neither the manifest nor a subtask file that it names")),
    }
}

fn hold(file: &EditableFile, name: &str) -> Result<TextFile, Failure> {
    TextFile::hold(&file.root, &file.path, MANIFEST_MAX).map_err(|error| match error {
        TextFileError::Io(error) => Failure::new(Kind::Failed, format!("`{name}` cannot be read: {error}")),
        error => unknown(name, &error.to_string()),
    })
}

fn unknown(name: &str, why: &str) -> Failure {
    Failure::new(Kind::UnknownFile, format!("`{}` is no file to edit here: {why}", name.escape_debug()))
}

fn stale(name: &str) -> Failure {
    Failure::new(Kind::Stale, format!("`{name}` was changed since it was read")).hint("read it again")
}

/// A strong entity tag: equal if and only if the bytes are equal.
fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", blake3::hash(bytes).to_hex().get(..32).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_quoted_and_tells_bytes_apart() {
        let tag = etag(b"a");
        assert_eq!((tag.len(), &tag[..1], &tag[33..]), (34, "\"", "\""));
        assert_eq!(tag, etag(b"a"));
        assert_ne!(tag, etag(b"b"));
    }
}
