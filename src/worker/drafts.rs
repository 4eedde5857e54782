//! Unsaved texts of the editable files: what `check` finds in them, and the tasks and modes that they give. Must not
//! write anything.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::project::check::check_draft;
use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::project::{Depth, Project, show};
use crate::manifest::UnsavedFile;
use crate::model::problem::Problem;
use crate::view::draft_view::DraftView;
use crate::view::problem_view::ProblemView;
use crate::view::task_view::TaskView;
use crate::worker::files::{check_size, find, hold, is_fixed};
use crate::worker::perform::value;

/// Problems and tasks of one answer, at most.
const PROBLEMS: usize = 500;
const TASKS: usize = 500;

/// Checks the project as it would be with these texts, by their names.
pub(super) fn check(location: &ManifestLocation, texts: BTreeMap<String, String>) -> Result<Value, Failure> {
    let drafts = drafts(location, texts)?;
    let checked = check_draft(location, &drafts)?;
    let is_given = |problem: &&Problem| {
        let path = problem.place.as_ref().map(|place| &place.path);
        path.is_some_and(|path| drafts.iter().any(|draft| draft.path == *path))
    };
    let (given, others): (Vec<&Problem>, Vec<&Problem>) = checked.report.problems.iter().partition(is_given);
    let problems = given.into_iter().chain(others).take(PROBLEMS).map(ProblemView::new).collect();
    let (ok, problem_count) = (!checked.report.has_errors(), checked.report.problems.len());
    let (modes, tasks, task_count) = match &checked.content {
        Some((project, set)) => {
            let tasks = set.tasks().iter().take(TASKS).map(TaskView::new).collect();
            (show::modes(project, &project.manifest.root).modes, tasks, set.tasks().len())
        }
        None => (Vec::new(), Vec::new(), 0),
    };
    value(&DraftView { ok, problems, problem_count, modes, tasks, task_count })
}

/// The project as it would be with these texts.
pub(super) fn open(location: &ManifestLocation, texts: BTreeMap<String, String>) -> Result<Project, Failure> {
    if texts.is_empty() {
        return Ok(Project::open(location, Depth::Whole)?);
    }
    Ok(Project::open_draft(location, &drafts(location, texts)?)?)
}

/// Fails if a name is not that of an editable file, or a text is too large.
fn drafts(location: &ManifestLocation, texts: BTreeMap<String, String>) -> Result<Vec<UnsavedFile>, Failure> {
    let mut ordered = Vec::with_capacity(texts.len());
    for (name, text) in texts {
        check_size(&name, &text)?;
        ordered.push((!is_fixed(location, &name)?, name, text));
    }
    // The manifest's text decides which subtask files there are.
    ordered.sort_by_key(|(is_named, ..)| *is_named);
    let mut drafts = Vec::with_capacity(ordered.len());
    for (_, name, text) in ordered {
        let file = match find(location, &name, &drafts) {
            Ok(file) => file,
            // The manifest is unusable: its own problems are reported, and no subtask file is read.
            Err(failure) if failure.kind == Kind::BadManifest => continue,
            Err(failure) => return Err(failure),
        };
        hold(&file, &name)?;
        drafts.push(UnsavedFile { path: file.path, text: text.into() });
    }
    Ok(drafts)
}
