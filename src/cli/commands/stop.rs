//! `dispatch stop`: a window or job and its whole process tree.

use std::process::ExitCode;

use crate::cli::args::Stop as Args;
use crate::cli::commands::{Answer, open};
use crate::cli::error::{CliError, FAILED, USAGE};
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::runner::observe;
use crate::runner::orphans;
use crate::runner::orphans::Orphan;
use crate::runner::project::{Depth, Project};
use crate::runner::project_store;
use crate::runner::stop;
use crate::runner::stop::{How, StopError, Stopped};
use crate::runner::store::Store;
use crate::system::clock;
use crate::view::run_view::RunView;

pub(super) fn run(meant: &Meant, args: &Args) -> Answer {
    let project = open(meant, Depth::Shape)?;
    let store = project_store::find(&project)?;
    let mut orphans = orphans::orphans(&project)?;
    orphans.retain(|orphan| is_meant(args, orphan));
    let before = end_orphans(meant, &project, &orphans)?;
    let mut pairs: Vec<Pair> = match &args.mode {
        Some(mode) if args.tasks.is_empty() => {
            return Err(CliError::new(USAGE, "no task was named").hint(format!("dispatch stop {mode} TASK")));
        }
        Some(mode) => args
            .tasks
            .iter()
            .map(|task| project_store::past_pair(&project, mode, task))
            .collect::<Result<Vec<_>, _>>()?,
        None => {
            let mut runs = store.as_ref().map(observe::observe).transpose()?.map(|seen| seen.runs).unwrap_or_default();
            // What cannot be seen is nobody's to stop.
            runs.retain(|run| run.is_active() && !matches!(run.state, RunState::Unknown(_)));
            return all_after(meant, store.as_ref(), &runs, before);
        }
    };
    pairs.retain(|pair| !orphans.iter().any(|orphan| orphan.pair.as_ref() == Some(pair)));
    let stopped = match &store {
        Some(store) => stop::stop_pairs(store, &pairs, How::Stop).map_err(CliError::from)?,
        None => pairs.iter().map(|_| Ok(Stopped::NotRunning(None))).collect(),
    };
    report(meant, pairs.into_iter().zip(stopped), before)
}

/// What was ended before the runs that have a record.
#[derive(Debug, Default)]
struct Before {
    count: usize,
    views: Vec<serde_json::Value>,
    failure: Option<CliError>,
}

fn is_meant(args: &Args, orphan: &Orphan) -> bool {
    match (&args.mode, &orphan.pair) {
        (None, _) => true,
        (Some(mode), Some(pair)) => {
            pair.mode.as_str() == mode && args.tasks.iter().any(|task| pair.task.as_str() == task)
        }
        (Some(_), None) => false,
    }
}

/// Ends runs that live without a record, and says so.
fn end_orphans(meant: &Meant, project: &Project, orphans: &[Orphan]) -> Result<Before, CliError> {
    let err = output::stderr(meant);
    let mut before = Before::default();
    let results: Vec<_> = std::thread::scope(|scope| {
        let ending: Vec<_> =
            orphans.iter().map(|orphan| scope.spawn(|| orphans::end_orphan(project, orphan))).collect();
        ending.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    for (orphan, result) in orphans.iter().zip(results) {
        before.count += 1;
        let name = orphan.pair.as_ref().map_or_else(|| orphan.run.to_string(), ToString::to_string);
        let left = match result {
            Ok(left) if left.is_empty() => {
                let (mode, task) = orphan.pair.as_ref().map(|pair| (pair.mode.as_str(), pair.task.as_str())).unzip();
                before.views.push(serde_json::json!({
                    "runId": orphan.run.as_str(), "mode": mode, "task": task, "state": "stopped",
                    "reason": "its record was removed while it ran",
                }));
                if !meant.json {
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

/// Stops `runs`: first those that wait, which would start when the others make room for them.
pub(super) fn all_of(meant: &Meant, store: Option<&Store>, runs: &[Run]) -> Answer {
    all_after(meant, store, runs, Before::default())
}

fn all_after(meant: &Meant, store: Option<&Store>, runs: &[Run], before: Before) -> Answer {
    let (Some(store), false) = (store, runs.is_empty()) else {
        if before.count == 0 {
            output::stderr(meant).note("nothing runs");
        }
        return report(meant, std::iter::empty(), before);
    };
    let (waiting, running): (Vec<Run>, Vec<Run>) =
        runs.iter().cloned().partition(|run| matches!(run.state, RunState::Queued(_)));
    let stopped = [waiting, running].map(|runs| {
        let stopped = stop::stop_runs(store, &runs, How::Stop);
        runs.into_iter().map(|run| run.pair()).zip(stopped).collect::<Vec<_>>()
    });
    report(meant, stopped.into_iter().flatten(), before)
}

/// Says what came of each.
fn report(meant: &Meant, results: impl Iterator<Item = (Pair, Result<Stopped, StopError>)>, before: Before) -> Answer {
    let err = output::stderr(meant);
    let Before { mut views, mut failure, .. } = before;
    for (pair, result) in results {
        match result {
            Ok(Stopped::Ended(run)) if meant.json => views.push(serde_json::json!(RunView::new(&run, clock::now()))),
            Ok(Stopped::Ended(run)) => output::line(&format!("{pair}: {}", run.state.as_str()))?,
            Ok(Stopped::NotRunning(Some(run))) if meant.json => {
                views.push(serde_json::json!(RunView::new(&run, clock::now())));
            }
            Ok(Stopped::NotRunning(_)) if meant.json => {}
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
    if meant.json {
        output::json(&serde_json::json!({ "runs": views }))?;
    }
    match failure {
        Some(error) => Err(CliError { message: String::new(), ..error }),
        None => Ok(ExitCode::SUCCESS),
    }
}
