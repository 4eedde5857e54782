//! What was done on a task, as a fragment that its page and its runs' pages lay into a dialog.

use std::sync::Arc;

use serde::Serialize;

use crate::http::refusal::Refusal;
use crate::http::server::Shared;
use crate::http::ui::diff_text::{self, Piece};
use crate::http::ui::templates;
use crate::model::names::TaskId;
use crate::runner::errand::Errand;
use crate::view::work_view::{DiffView, FileView};

/// So many lines are laid out: a browser has to keep them all.
const LINES: usize = 20_000;
/// More files than that are listed closed.
const OPEN: usize = 30;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DiffPage {
    task: String,
    branch: String,
    base: String,
    since: String,
    added: u64,
    removed: u64,
    files: Vec<File>,
    open: bool,
    truncated: bool,
}

#[derive(Serialize)]
struct File {
    about: FileView,
    /// `None` where the patch ends before it.
    piece: Option<Piece>,
}

pub(super) fn page(server: &Arc<Shared>, task: &TaskId) -> Result<String, Refusal> {
    let value = server.errands.run(&Errand::Diff { id: task.to_string() })?;
    let diff: DiffView = serde_json::from_value(value).map_err(Refusal::broken)?;
    let (pieces, whole) = diff_text::pieces(diff.patch.as_deref().unwrap_or_default(), LINES);
    // Both come from one look, in one order.
    let mut pieces = pieces.into_iter();
    let files: Vec<File> = diff.files.into_iter().map(|about| File { about, piece: pieces.next() }).collect();
    let page = DiffPage {
        task: diff.task,
        branch: diff.branch,
        base: diff.base,
        since: diff.merge_base.chars().take(10).collect(),
        added: diff.added,
        removed: diff.removed,
        open: files.len() <= OPEN,
        files,
        truncated: diff.truncated || !whole,
    };
    templates::render("diff.html", &page)
}
