//! What unsaved texts would give, as JSON: their problems, and the modes and tasks.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::view::mode_view::ModeView;
use crate::view::problem_view::ProblemView;
use crate::view::task_view::TaskView;

/// Both lists may be cut; the counts are complete.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DraftView {
    /// `check` would find no error.
    pub ok: bool,
    /// Those of the given texts first.
    pub problems: Vec<ProblemView>,
    pub problem_count: usize,
    /// Empty if the manifest is unusable, as are the tasks.
    pub modes: Vec<ModeView>,
    pub tasks: Vec<TaskView>,
    pub task_count: usize,
}

/// The files that can be edited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EditableFilesView {
    pub files: Vec<EditableFileView>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EditableFileView {
    /// Its path relative to the manifest's folder.
    pub name: String,
    /// As problems name it.
    pub path: PathBuf,
    pub kind: EditableKind,
    pub exists: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EditableKind {
    Manifest,
    /// `dispatch.local.yaml`.
    Local,
    /// A file of `tasks: - subtasks:`.
    Subtasks,
}
