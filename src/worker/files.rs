//! The project files that can be edited through the server: the manifest, `dispatch.local.yaml` beside it, and the
//! subtask files named in the manifest. Must not read or write any other file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::project::check::{CheckReport, check, check_draft};
use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::project::{Depth, OpenError, Project, located};
use crate::manifest::{self, LOCAL_NAME, MANIFEST_MAX, UnsavedFile};
use crate::model::problem::Problem;
use crate::model::task_source::TaskSource;
use crate::os::text_file::{TextFile, TextFileError};
use crate::view::draft_view::{EditableFileView, EditableFilesView, EditableKind};
use crate::view::problem_view::ProblemView;
use crate::worker::perform::value;

/// All files that can be edited. While the manifest is unusable, its subtask files are not known.
pub(super) fn list(location: &ManifestLocation) -> Result<Value, Failure> {
    let (manifest, root) = home(location)?;
    let name = manifest.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut files = vec![
        view(name, manifest, EditableKind::Manifest),
        view(LOCAL_NAME.to_owned(), root.join(LOCAL_NAME), EditableKind::Local),
    ];
    let subtasks = match Project::open(location, Depth::Shape) {
        Ok(project) => subtask_files(&project, &root),
        Err(OpenError::Problems { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    for (name, path) in subtasks {
        if files.iter().all(|known| known.name != name) {
            files.push(view(name, path, EditableKind::Subtasks));
        }
    }
    value(&EditableFilesView { files })
}

fn view(name: String, path: PathBuf, kind: EditableKind) -> EditableFileView {
    let exists = TextFile::exists(&path);
    EditableFileView { name, path, kind, exists }
}

pub(super) fn read(location: &ManifestLocation, name: &str) -> Result<Value, Failure> {
    let held = hold(&find(location, name, &[])?, name)?;
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
    check_size(name, text)?;
    let file = find(location, name, &[])?;
    let held = hold(&file, name)?;
    if held.bytes().map(etag).unwrap_or_default() != expected_etag {
        return Err(stale(name));
    }
    let draft = UnsavedFile { path: file.path, text: text.into() };
    let checked = check_draft(location, std::slice::from_ref(&draft))?.report;
    if checked.has_errors() {
        let mut problems = checked.problems.clone();
        let saved = check(location)?;
        problems.retain(|problem| !stands_elsewhere(problem, &draft.path, &saved));
        if problems.iter().any(Problem::is_error) {
            return Err(Failure::of_problems(problems));
        }
    }
    match held.replace(text.as_bytes()) {
        Ok(()) => {}
        Err(TextFileError::Exists) => return Err(stale(name)),
        Err(error) => return Err(Failure::chain(Kind::Failed, &error)),
    }
    let problems: Vec<ProblemView> = checked.problems.iter().map(ProblemView::new).collect();
    Ok(json!({ "name": name, "etag": etag(text.as_bytes()), "problems": problems }))
}

/// Whether another file than the one at `path` has this error already: it is no reason against saving `path`, else two
/// broken files could not be repaired one after the other. While the manifest is unusable, the errors of other files are
/// not known; then none of them is a reason, else the manifest could not be repaired.
fn stands_elsewhere(problem: &Problem, path: &Path, saved: &CheckReport) -> bool {
    let is_elsewhere = problem.place.as_ref().is_some_and(|place| place.path != path);
    // The other file's text is the same, so an error that it had is at the same place.
    let is_known = |known: &Problem| known.message == problem.message && known.place == problem.place;
    problem.is_error() && is_elsewhere && (saved.counts.is_none() || saved.problems.iter().any(is_known))
}

/// Fails if a text is larger than any such file may be.
pub(super) fn check_size(name: &str, text: &str) -> Result<(), Failure> {
    if text.len() as u64 > MANIFEST_MAX {
        return Err(Failure::new(Kind::Usage, format!("`{name}` may have {} KiB at most", MANIFEST_MAX >> 10)));
    }
    Ok(())
}

pub(super) struct EditableFile {
    pub(super) root: PathBuf,
    pub(super) path: PathBuf,
}

/// The manifest's path and its resolved folder.
fn home(location: &ManifestLocation) -> Result<(PathBuf, PathBuf), Failure> {
    manifest::resolve(&located(location)?.manifest).map_err(|problem| Failure::of_problems(vec![problem]))
}

/// Whether `name` is that of the manifest or of the local file. These decide which subtask files there are.
pub(super) fn is_fixed(location: &ManifestLocation, name: &str) -> Result<bool, Failure> {
    Ok(name == LOCAL_NAME || home(location)?.0.file_name() == Some(Path::new(name).as_os_str()))
}

/// Finds the file `name` in the project with these unsaved files. The manifest is found even if it has errors, so that
/// it can be repaired. Fails for others.
pub(super) fn find(location: &ManifestLocation, name: &str, drafts: &[UnsavedFile]) -> Result<EditableFile, Failure> {
    let (path, root) = home(location)?;
    let wanted = Path::new(name);
    if path.file_name() == Some(wanted.as_os_str()) {
        return Ok(EditableFile { root, path });
    }
    if name == LOCAL_NAME {
        return Ok(EditableFile { path: root.join(LOCAL_NAME), root });
    }
    let project = match drafts {
        [] => Project::open(location, Depth::Shape)?,
        drafts => Project::open_draft(location, drafts)?,
    };
    let found = subtask_files(&project, &root).into_iter().find(|(known, _)| Path::new(known) == wanted);
    match found.map(|(_, path)| path) {
        Some(path) => Ok(EditableFile { root, path }),
        None => Err(unknown(name, "it is neither the manifest nor a subtask file that it names")),
    }
}

/// The tasks that the manifest or a subtask file lists, by id, and the name of that file.
pub(super) fn listed_in(project: &Project) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for source in &project.manifest.tasks {
        let (tasks, name) = match source {
            TaskSource::List(tasks) => (tasks, Some(manifest_name(project))),
            TaskSource::Subtasks(file) => (&file.tasks, subtask_name(&file.path, &project.manifest.root)),
            TaskSource::Files(_) => continue,
        };
        if let Some(name) = name {
            found.extend(tasks.iter().map(|task| (task.id.to_string(), name.clone())));
        }
    }
    found
}

fn manifest_name(project: &Project) -> String {
    project.manifest.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn subtask_name(path: &Path, root: &Path) -> Option<String> {
    Some(path.strip_prefix(root).ok()?.to_str()?.to_owned())
}

/// The names of the project's editable files.
pub(super) fn names(project: &Project) -> Vec<String> {
    let manifest = manifest_name(project);
    let subtasks = subtask_files(project, &project.manifest.root).into_iter().map(|(name, _)| name);
    [manifest, LOCAL_NAME.to_owned()].into_iter().chain(subtasks).collect()
}

/// The subtask files that the manifest names, by their paths relative to its folder.
fn subtask_files(project: &Project, root: &Path) -> Vec<(String, PathBuf)> {
    let file = |source: &TaskSource| match source {
        TaskSource::Subtasks(file) => Some((subtask_name(&file.path, root)?, file.path.clone())),
        _ => None,
    };
    project.manifest.tasks.iter().filter_map(file).collect()
}

pub(super) fn hold(file: &EditableFile, name: &str) -> Result<TextFile, Failure> {
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
