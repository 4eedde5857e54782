//! A task's work as JSON: what was changed, and what became of its worktree.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The answer of `diff`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiffView {
    pub task: String,
    pub path: PathBuf,
    pub branch: String,
    pub base: String,
    /// The commit that all this is compared with.
    pub merge_base: String,
    pub added: u64,
    pub removed: u64,
    pub files: Vec<FileView>,
    /// As git writes it; bytes that are no UTF-8 are shown as U+FFFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// The patch is longer than what is there of it.
    pub truncated: bool,
}

/// A changed file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileView {
    pub path: String,
    /// Its name before, where it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Lines; `None` for a binary file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
    pub binary: bool,
    /// Untracked.
    pub untracked: bool,
}

/// The answer of `clean`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CleanView {
    pub task: String,
    pub path: PathBuf,
    pub branch: String,
    pub dry_run: bool,
    /// Whether the worktree was removed, or would be; `false` where there was none.
    pub removed: bool,
    /// `deleted`, `kept` or `absent`.
    pub branch_state: &'static str,
    /// Why it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_reason: Option<String>,
    /// What git was told to ignore and goes with the worktree, some of it by name.
    pub ignored: Vec<String>,
    pub ignored_count: usize,
}
