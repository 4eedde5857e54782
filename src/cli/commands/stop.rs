//! `dispatch stop`: ends windows and jobs with their process trees.

use std::process::ExitCode;

use crate::cli::args::{Selected, StopArgs};
use crate::cli::commands::{active, open, task_word};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED, runs_document};
use crate::cli::output;
use crate::lifecycle::launch::unrecorded;
use crate::lifecycle::launch::unrecorded::UnrecordedRun;
use crate::lifecycle::project::project_store;
use crate::lifecycle::project::{Depth, Project};
use crate::lifecycle::stop;
use crate::lifecycle::stop::{StopError, StopKind, Stopped};
use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::os::clock;
use crate::view::run_view::RunView;

pub(super) fn run(context: &CommandContext, args: &StopArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let store = project_store::find(&project)?;
    let mut found = unrecorded::find_all(&project)?;
    let selected = args.words.selected();
    found.retain(|run| is_selected(selected, run));
    if let Selected::Task(word) = selected {
        return stop_task(context, &project, store.as_ref(), &found, word);
    }
    let before = end_unrecorded(context, &project, &found)?;
    let mode = match selected {
        Selected::Pairs(mode, tasks) => {
            let pair = |task: &String| project_store::past_pair(&project, mode, task);
            let mut pairs = tasks.iter().map(pair).collect::<Result<Vec<Pair>, _>>()?;
            pairs.retain(|pair| !found.iter().any(|run| run.pair.as_ref() == Some(pair)));
            return end_pairs(context, store.as_ref(), pairs, before);
        }
        Selected::Mode(mode) => Some(mode),
        Selected::All | Selected::Task(_) => None,
    };
    let mut runs = active::runs(context, &project, store.as_ref(), mode)?;
    // A run in an unknown state cannot be stopped.
    runs.retain(|run| !matches!(run.state, RunState::Unknown(_)));
    all_after(context, store.as_ref(), &runs, before)
}

/// Stops the active run of a task. Fails if there are several.
fn stop_task(
    context: &CommandContext,
    project: &Project,
    store: Option<&Store>,
    found: &[UnrecordedRun],
    word: &str,
) -> CommandResult {
    let unrecorded: Vec<Pair> = found.iter().filter_map(|run| run.pair.clone()).collect();
    let (task, runs) = match task_word::find(project, store, word, "stop") {
        // A run without a record may be of a task that is not listed any more.
        Err(error) => (unrecorded.first().map(|pair| pair.task.clone()).ok_or(error)?, Vec::new()),
        found => found?,
    };
    let recorded: Vec<Pair> = runs.iter().filter(|run| run.is_active()).map(Run::pair).collect();
    if unrecorded.len() + recorded.len() > 1 {
        return Err(task_word::several(&task, unrecorded.into_iter().chain(recorded), "stop"));
    }
    let before = end_unrecorded(context, project, found)?;
    if before.count == 0 && recorded.is_empty() && !context.json {
        output::line(&format!("{task}: not running"))?;
    }
    end_pairs(context, store, recorded, before)
}

fn end_pairs(
    context: &CommandContext,
    store: Option<&Store>,
    pairs: Vec<Pair>,
    before: EndedUnrecorded,
) -> CommandResult {
    let stopped = match store {
        Some(store) => stop::stop_pairs(store, &pairs, StopKind::Stop).map_err(CliError::from)?,
        None => pairs.iter().map(|_| Ok(Stopped::NotRunning(None))).collect(),
    };
    report(context, pairs.into_iter().zip(stopped), before)
}

/// Runs without a record that were ended.
#[derive(Debug, Default)]
struct EndedUnrecorded {
    count: usize,
    views: Vec<serde_json::Value>,
    failure: Option<CliError>,
}

fn is_selected(selected: Selected<'_>, run: &UnrecordedRun) -> bool {
    match (selected, &run.pair) {
        (Selected::All, _) => true,
        (Selected::Pairs(mode, tasks), Some(pair)) => {
            pair.mode.as_str() == mode && tasks.iter().any(|task| pair.task.as_str() == task)
        }
        (Selected::Mode(mode), Some(pair)) => pair.mode.as_str() == mode,
        (Selected::Task(task), Some(pair)) => pair.task.as_str() == task,
        (_, None) => false,
    }
}

/// Ends runs that have processes but no record, and reports them.
fn end_unrecorded(
    context: &CommandContext,
    project: &Project,
    found: &[UnrecordedRun],
) -> Result<EndedUnrecorded, CliError> {
    let err = output::stderr(context);
    let mut before = EndedUnrecorded::default();
    let results: Vec<_> = std::thread::scope(|scope| {
        let ending: Vec<_> = found.iter().map(|run| scope.spawn(|| unrecorded::end(project, run))).collect();
        ending.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    for (run, result) in found.iter().zip(results) {
        before.count += 1;
        let name = run.pair.as_ref().map_or_else(|| run.id.to_string(), ToString::to_string);
        let left = match result {
            Ok(left) if left.is_empty() => {
                let (mode, task) = run.pair.as_ref().map(|pair| (pair.mode.as_str(), pair.task.as_str())).unzip();
                before.views.push(serde_json::json!({
                    "runId": run.id.as_str(), "mode": mode, "task": task, "state": "stopped",
                    "reason": "its record was removed while it ran",
                }));
                if !context.json {
                    output::line(&format!("{name}: stopped (its record was removed while it ran)"))?;
                }
                continue;
            }
            Ok(left) => left.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            Err(error) => error.to_string(),
        };
        let message = format!("processes of `{name}` cannot be ended: {left}");
        err.error(&message);
        before.failure = before.failure.or(Some(CliError::new(FAILED, message)));
    }
    Ok(before)
}

/// Stops `runs`: queued ones first, since they would start when the others free their slots.
pub(super) fn all_of(context: &CommandContext, store: Option<&Store>, runs: &[Run]) -> CommandResult {
    all_after(context, store, runs, EndedUnrecorded::default())
}

fn all_after(context: &CommandContext, store: Option<&Store>, runs: &[Run], before: EndedUnrecorded) -> CommandResult {
    let (Some(store), false) = (store, runs.is_empty()) else {
        if before.count == 0 {
            output::stderr(context).note("nothing runs");
        }
        return report(context, std::iter::empty(), before);
    };
    let (waiting, running): (Vec<Run>, Vec<Run>) =
        runs.iter().cloned().partition(|run| matches!(run.state, RunState::Queued(_)));
    let stopped = [waiting, running].map(|runs| {
        let stopped = stop::stop_runs(store, &runs, StopKind::Stop);
        runs.into_iter().map(|run| run.pair()).zip(stopped).collect::<Vec<_>>()
    });
    report(context, stopped.into_iter().flatten(), before)
}

/// Prints the result of each stop.
fn report(
    context: &CommandContext,
    results: impl Iterator<Item = (Pair, Result<Stopped, StopError>)>,
    before: EndedUnrecorded,
) -> CommandResult {
    let err = output::stderr(context);
    let EndedUnrecorded { mut views, mut failure, .. } = before;
    for (pair, result) in results {
        match result {
            Ok(Stopped::Ended(run)) if context.json => views.push(serde_json::json!(RunView::new(&run, clock::now()))),
            Ok(Stopped::Ended(run)) => output::line(&format!("{pair}: {}", run.state.as_str()))?,
            Ok(Stopped::NotRunning(Some(run))) if context.json => {
                views.push(serde_json::json!(RunView::new(&run, clock::now())));
            }
            Ok(Stopped::NotRunning(_)) if context.json => {}
            Ok(Stopped::NotRunning(Some(run))) => {
                output::line(&format!("{pair}: not running (last run: {})", run.state.as_str()))?;
            }
            Ok(Stopped::NotRunning(None)) => output::line(&format!("{pair}: not running"))?,
            Err(error) => {
                let error = CliError::from(error);
                err.error(&error.message);
                failure = failure.or(Some(error));
            }
        }
    }
    if context.json {
        output::json(&runs_document(&views, failure.as_ref()))?;
    }
    match failure {
        Some(error) => Err(error.printed()),
        None => Ok(ExitCode::SUCCESS),
    }
}
