//! The results of the tasks below a task, as JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::view::task_view::ProgressView;
use crate::view::work_view::FileView;

/// The answer of `GET /api/results/PARENT`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResultsView {
    pub task: String,
    pub title: String,
    /// Counts the leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressView>,
    /// The sum of the steps, in USD. Left out if no agent reported a cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// In run order.
    pub steps: Vec<StepResult>,
    /// Tasks below it that are left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub left: usize,
    /// The worktrees of the steps.
    pub worktrees: Vec<WorktreeChanges>,
}

/// A task and its last run: in the mode that it declares, else in any.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StepResult {
    pub task: String,
    pub title: String,
    /// 0 for a direct subtask.
    pub depth: usize,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    /// The mode that it declares, else that of its run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// The state of the run; absent if it never ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The start of the agent's last message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The answer was cut.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub answer_cut: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The place of its worktree in `worktrees`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worktree: Option<usize>,
}

/// What was changed in a worktree since it left its base. Several tasks may share one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorktreeChanges {
    pub path: String,
    pub branch: String,
    pub added: u64,
    pub removed: u64,
    /// The number of changed files.
    pub count: usize,
    /// The first of them.
    pub files: Vec<FileView>,
    /// Why the changes are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}
