//! What a start would run, as JSON. Nothing was started.

use std::path::PathBuf;

use serde::Serialize;

use crate::model::run_form::RunForm;

/// The answer of `render` and of `run -n`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RenderView {
    pub mode: String,
    pub task: String,
    #[serde(rename = "headless")]
    pub form: RunForm,
    pub program: PathBuf,
    /// `argv[0]` first; contains a placeholder if the prompt is an argument.
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    /// How the prompt reaches the agent: `arg`, `stdin`, `file` or `none`.
    pub delivery: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Names only: values may be secrets.
    pub env: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worktree: Option<WorktreeView>,
    /// A name of the manifest's `executors`; missing: this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<String>,
}

/// The worktree that the run would create.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorktreeView {
    pub path: PathBuf,
    pub branch: String,
    pub base: String,
}
