//! The changes of a task's worktree, as a fragment that its page and the pages of its runs show in a dialog.

use serde::Serialize;

use crate::model::names::TaskId;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ui::diff_text::{self, FilePatch};
use crate::serve::ui::templates::{self, context};
use crate::view::work_view::{DiffView, FileView};
use crate::worker::WorkerRequest;

/// At most this many lines are rendered, for the browser's sake.
const LINES: usize = 20_000;
/// With more files than this, all are collapsed.
const OPEN: usize = 30;

#[derive(Serialize)]
struct ChangedFile {
    about: FileView,
    /// `None` if the patch ends before this file.
    patch: Option<FilePatch>,
}

pub(super) fn page(server: &HttpServer, task: &TaskId) -> Result<String, Refusal> {
    let diff: DiffView = server.workers.fetch(&WorkerRequest::Diff { id: task.to_string() })?;
    let (patches, is_complete) = diff_text::by_file(diff.patch.as_deref().unwrap_or_default(), LINES);
    // git lists files and patches in one order.
    let mut patches = patches.into_iter();
    let files = diff.files.into_iter().map(|about| ChangedFile { about, patch: patches.next() });
    let files: Vec<ChangedFile> = files.collect();
    templates::render(
        "diff.html",
        context! {
            task => diff.task, branch => diff.branch, base => diff.base, added => diff.added, removed => diff.removed,
            since => diff.merge_base.get(..10).unwrap_or(&diff.merge_base), open => files.len() <= OPEN, files,
            truncated => diff.truncated || !is_complete,
        },
    )
}
