//! Starts or joins a run without waiting for its end, as `run -d` does.

use serde_json::{Value, json};

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::launch::batch::resolve_batch;
use crate::lifecycle::launch::batch_start::{BatchStart, StartOutcome};
use crate::lifecycle::launch::request::StartRequest;
use crate::lifecycle::launch::start::Queueing;
use crate::lifecycle::project::Project;
use crate::lifecycle::project::project_store;
use crate::lifecycle::window::attach;
use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::os::clock;
use crate::view::run_view::RunView;
use crate::worker::perform::value;

pub(super) fn start(project: &Project, mode: &str, task: &str, request: &StartRequest) -> Result<Value, Failure> {
    let mode = project.mode(mode)?;
    // Start the tmux client while the tasks are read.
    let warm = if mode.form.has_window() { project.tmux().warm_client() } else { None };
    let tasks = project.tasks();
    let batch = resolve_batch(project, &tasks, mode, &[tasks.find(task)?], request)?;
    let store = project_store::create(project, batch.store)?;
    let mut starts = BatchStart::new(&store, &batch.items, request.force, warm);
    let mut failure = None;
    while let Some((_, outcome)) = starts.start_next(Queueing::Allowed) {
        if let Err(error) = outcome {
            // Go on with the others; the first failure is reported.
            failure.get_or_insert(Failure::from(error));
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let view = |run: &Run| value(&RunView::new(run, clock::now()));
    let requested = batch.items.iter().rposition(|item| item.needed_by.is_none());
    let (run, created, skipped) = match requested.and_then(|place| starts.outcomes().get(place)) {
        Some(StartOutcome::Run { run, ours }) => (run, *ours, false),
        Some(StartOutcome::UpToDate(run)) => (run, false, true),
        _ => return Err(Failure::new(Kind::Internal, "nothing was started")),
    };
    let started = starts.outcomes().iter().filter_map(|outcome| match outcome {
        StartOutcome::Run { run, .. } => Some(view(run)),
        _ => None,
    });
    let runs = started.collect::<Result<Vec<Value>, Failure>>()?;
    let mut answer = json!({
        "run": view(run)?, "created": created, "skipped": skipped, "runs": runs, "session": project.manifest.session,
    });
    // A queued run has no window.
    let open = run.is_active() && !matches!(run.state, RunState::Queued(_));
    if let (true, Some(argv)) = (open, attach::attach_argv(run)) {
        answer["attach"] = json!(argv);
    }
    Ok(answer)
}
