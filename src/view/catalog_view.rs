//! Tasks, modes and problems of a project as JSON: what the board shows beside the runs.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::view::mode_view::ModeView;
use crate::view::problem_view::ProblemView;
use crate::view::task_view::TaskView;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CatalogView {
    pub project: ProjectView,
    pub tasks: Vec<TaskView>,
    pub modes: Vec<ModeView>,
    /// Problems in task files.
    pub problems: Vec<ProblemView>,
    /// Why nothing can be started: an error in the manifest or a template.
    pub broken: Option<BrokenView>,
    /// Missing programs that runs need.
    #[serde(default)]
    pub missing: Vec<MissingView>,
    /// Tasks without a file of their own, and the name of the editable file that lists them.
    #[serde(default)]
    pub listed_in: HashMap<String, String>,
    /// Pairs that are up to date, as mode and task.
    pub fresh: Vec<(String, String)>,
    /// What the manifest allows to run at a time.
    #[serde(default)]
    pub limits: ManifestLimits,
    /// The modes that a mode needs, by its name.
    #[serde(default)]
    pub needs: BTreeMap<String, Vec<String>>,
    /// The pairs that `up` keeps, as mode and task: of `runs:`, and what those need.
    #[serde(default)]
    pub wanted: Vec<(String, String)>,
    /// Whether any mode has `sources`, so that `fresh` can change with any file.
    pub tracks: bool,
    /// The cost limit of a day, in USD.
    #[serde(default)]
    pub day_budget: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestLimits {
    /// Jobs at a time.
    pub jobs: u32,
    /// USD: the budget of a day.
    pub budget_day: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProjectView {
    pub name: String,
    #[serde(default)]
    pub root: PathBuf,
    #[serde(default)]
    pub manifest: PathBuf,
    /// Whether tasks have worktrees.
    #[serde(default)]
    pub worktrees: bool,
    /// Whether the user's own editor is known, in which files can be opened.
    #[serde(default)]
    pub editor: bool,
    /// The names of the files that the page of the editor edits, relative to `root`.
    #[serde(default)]
    pub editable: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BrokenView {
    pub message: String,
    pub hints: Vec<String>,
    #[serde(default)]
    pub problems: Vec<ProblemView>,
}

/// A finding of `doctor` that makes runs fail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MissingView {
    pub what: String,
    pub found: String,
    pub cure: Option<String>,
}
