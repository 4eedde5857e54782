//! The changes of a task's worktree, as a fragment that its page and the pages of its runs show in a dialog.

use std::path::PathBuf;

use serde::Serialize;

use crate::lifecycle::launch::resume;
use crate::lifecycle::summary::past_runs::{PastRuns, PastTasks};
use crate::model::names::TaskId;
use crate::model::run_state::RunState;
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

/// Past runs whose conversations are offered, at most.
const RUNS: u32 = 100;

#[derive(Serialize)]
struct ChangedFile {
    about: FileView,
    /// `None` if the patch ends before this file.
    patch: Option<FilePatch>,
    /// Its path, if it can be opened in the user's editor: the editor is known and the file was not deleted.
    opens: Option<PathBuf>,
}

/// An agent that can be given the comments of a review.
#[derive(Serialize)]
struct ReviewTarget {
    /// `send`: typed into its window; `resume`: a run that goes on in its conversation.
    way: &'static str,
    mode: String,
}

pub(super) fn page(server: &HttpServer, task: &TaskId) -> Result<String, Refusal> {
    let diff: DiffView = server.workers.fetch(&WorkerRequest::Diff { id: task.to_string() })?;
    let (patches, is_complete) = diff_text::by_file(diff.patch.as_deref().unwrap_or_default(), LINES);
    // git lists files and patches in one order.
    let mut patches = patches.into_iter();
    let has_editor = server.catalog.get(server).is_ok_and(|catalog| catalog.project.editor);
    let file = |about: FileView| {
        let patch = patches.next();
        let opens = has_editor && !patch.as_ref().is_some_and(FilePatch::is_deleted);
        ChangedFile { opens: opens.then(|| diff.path.join(&about.path)), about, patch }
    };
    let files: Vec<ChangedFile> = diff.files.into_iter().map(file).collect();
    templates::render(
        "diff.html",
        context! {
            task => diff.task, branch => diff.branch, base => diff.base, added => diff.added, removed => diff.removed,
            since => diff.merge_base.get(..10).unwrap_or(&diff.merge_base), open => files.len() <= OPEN, files,
            targets => targets(server, task)?, truncated => diff.truncated || !is_complete,
        },
    )
}

/// The windows of the task that run, then the conversations of its last runs, newest first.
fn targets(server: &HttpServer, task: &TaskId) -> Result<Vec<ReviewTarget>, Refusal> {
    let snapshot = server.live.snapshot()?;
    let own = snapshot.active.iter().filter(|run| run.facts.task == *task);
    let mut targets: Vec<ReviewTarget> = own
        .filter(|run| run.facts.form.has_window() && matches!(run.state, RunState::Running))
        .map(|run| ReviewTarget { way: "send", mode: run.facts.mode.to_string() })
        .collect();
    let past = PastRuns { task: Some(PastTasks::One(task.to_string())), limit: Some(RUNS), ..PastRuns::default() };
    for run in server.live.past(past)?.runs {
        let is_known = targets.iter().any(|target| target.mode == run.facts.mode.as_str());
        if !is_known && snapshot.active_of(&run.pair()).is_none() && resume::conversation(&run).is_some() {
            targets.push(ReviewTarget { way: "resume", mode: run.facts.mode.to_string() });
        }
    }
    Ok(targets)
}
