//! A task's changes and the removal of its worktree, as JSON.

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
    /// The commit that the worktree is compared with.
    pub merge_base: String,
    pub added: u64,
    pub removed: u64,
    pub files: Vec<FileView>,
    /// As git prints it; bytes that are not UTF-8 become U+FFFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// The patch was cut.
    pub truncated: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileView {
    pub path: String,
    /// The earlier name of a renamed file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Number of lines; `None` for a binary file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
    pub binary: bool,
    pub untracked: bool,
}

/// The answer of `POST /api/open`.
#[derive(Clone, Debug, Serialize)]
pub struct OpenedFileView {
    pub path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    pub editor: String,
    /// The terminal in which the editor was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
}

/// The answer of `merge`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MergeView {
    pub task: String,
    pub branch: String,
    /// The commit of the branch, which a merge does not move.
    pub branch_commit: String,
    pub base: String,
    /// `fast-forward`, `merge`, `squash`, `rebase`; `none` if the base had everything already.
    pub method: &'static str,
    /// The base's commit before and after.
    pub from: String,
    pub to: String,
    /// How many commits of the branch were not in the base.
    pub commits: u64,
    /// The checkout that has the base: its files moved with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout: Option<PathBuf>,
    /// That checkout has submodules that `git submodule update` must move.
    pub submodules_moved: bool,
    /// What was cleaned up afterwards, if that was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clean: Option<CleanView>,
}

/// The answer of `pr`.
#[derive(Clone, Debug, Serialize)]
pub struct PullRequestView {
    pub task: String,
    pub branch: String,
    pub base: String,
    /// Where the branch was pushed.
    pub remote: String,
    pub title: String,
    pub draft: bool,
    /// As `gh` prints it.
    pub url: String,
}

/// The answer of `clean`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CleanView {
    pub task: String,
    pub path: PathBuf,
    pub branch: String,
    pub dry_run: bool,
    /// Whether the worktree was removed, or would be; `false` if there was none.
    pub removed: bool,
    /// `deleted`, `kept` or `absent`.
    pub branch_state: &'static str,
    /// Why it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch_reason: Option<String>,
    /// The first names of ignored files, which are removed with the worktree.
    pub ignored: Vec<String>,
    pub ignored_count: usize,
}
