//! Starting or joining a run without waiting for its end, as `run -d` does.

use serde_json::{Value, json};

use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::model::started_by::StartedBy;
use crate::runner::asked;
use crate::runner::asked::{Asked, Meaning};
use crate::runner::attach;
use crate::runner::beginning;
use crate::runner::beginning::Beginning;
use crate::runner::failure::{Failure, Kind};
use crate::runner::prepare::Request;
use crate::runner::project::Project;
use crate::runner::project_store;
use crate::runner::start::Queueing;
use crate::runner::worker::perform::value;
use crate::system::clock;
use crate::view::run_view::RunView;

pub(super) fn start(
    project: &Project,
    mode: &str,
    task: &str,
    request: &Request,
    meaning: Meaning,
) -> Result<Value, Failure> {
    let mode = project.mode(mode)?;
    // The tmux client starts while the tasks are read.
    let ready = if mode.interactive { project.tmux().warm_client() } else { None };
    let tasks = project.tasks();
    let task = tasks.find(task)?;
    let Asked { mut planned, known, .. } = asked::ask(project, &tasks, mode, &[task], request, meaning)?;
    let store = project_store::create(project, known)?.with_warm_client(ready);
    for planned in planned.iter_mut().filter(|planned| planned.needed_by.is_none()) {
        planned.prepared.started_by = Some(StartedBy::Web);
    }
    let (mut before, mut failure, mut asked) = (Vec::with_capacity(planned.len()), None, None);
    for (place, planned) in planned.iter().enumerate() {
        before.push(match beginning::begin_planned(&store, planned, &before, request.force, Queueing::Allowed) {
            Ok(beginning) => beginning,
            Err(error) => {
                // The others are started all the same; the first failure is reported.
                failure.get_or_insert(Failure::from(error));
                Beginning::Failed(planned.prepared.pair.clone())
            }
        });
        if planned.needed_by.is_none() {
            asked = Some(place);
        }
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let view = |run: &Run| value(&RunView::new(run, clock::now()));
    let (run, created, skipped) = match asked.and_then(|place| before.get(place)) {
        Some(Beginning::Run { run, ours }) => (run, *ours, false),
        Some(Beginning::UpToDate(run)) => (run, false, true),
        _ => return Err(Failure::new(Kind::Internal, "nothing was started")),
    };
    let begun = before.iter().filter_map(|beginning| match beginning {
        Beginning::Run { run, .. } => Some(view(run)),
        _ => None,
    });
    let runs = begun.collect::<Result<Vec<Value>, Failure>>()?;
    let mut answer = json!({
        "run": view(run)?, "created": created, "skipped": skipped, "runs": runs, "session": project.manifest.session,
    });
    // A queued run has no window yet.
    let open = run.is_active() && !matches!(run.state, RunState::Queued(_));
    if let (true, Some(argv)) = (open, attach::attach_argv(run)) {
        answer["attach"] = json!(argv);
    }
    Ok(answer)
}
