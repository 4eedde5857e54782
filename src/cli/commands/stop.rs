//! `dispatch stop`: a window or job and its whole process tree.

use std::process::ExitCode;

use crate::cli::args::Stop as Args;
use crate::cli::commands::{Answer, open};
use crate::cli::error::{CliError, USAGE};
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::runner::ledger::Ledger;
use crate::runner::project::Depth;
use crate::runner::stop::{How, StopError, Stopped};
use crate::system::clock;
use crate::view::run_view::RunView;

pub(super) fn run(meant: &Meant, args: &Args) -> Answer {
    let project = open(meant, Depth::Shape)?;
    let ledger = project.ledger()?;
    let pairs = match &args.mode {
        Some(mode) if args.tasks.is_empty() => {
            return Err(CliError::new(USAGE, "no task was named").hint(format!("dispatch stop {mode} TASK")));
        }
        Some(mode) => args.tasks.iter().map(|task| project.past_pair(mode, task)).collect::<Result<Vec<_>, _>>()?,
        None => {
            let mut runs = ledger.as_ref().map(Ledger::observe).transpose()?.map(|seen| seen.runs).unwrap_or_default();
            // What cannot be seen is nobody's to stop.
            runs.retain(|run| run.is_active() && !matches!(run.state, RunState::Unknown(_)));
            return all_of(meant, ledger.as_ref(), &runs);
        }
    };
    let stopped = match &ledger {
        Some(ledger) => ledger.stop_pairs(&pairs, How::Stop).map_err(CliError::from)?,
        None => pairs.iter().map(|_| Ok(Stopped::NotRunning(None))).collect(),
    };
    report(meant, pairs.into_iter().zip(stopped))
}

/// Stops `runs`: first those that wait, which would start when the others make room for them.
pub(super) fn all_of(meant: &Meant, ledger: Option<&Ledger>, runs: &[Run]) -> Answer {
    let (Some(ledger), false) = (ledger, runs.is_empty()) else {
        output::stderr(meant).note("nothing runs");
        return report(meant, std::iter::empty());
    };
    let (waiting, running): (Vec<Run>, Vec<Run>) =
        runs.iter().cloned().partition(|run| matches!(run.state, RunState::Queued(_)));
    let stopped = [waiting, running].map(|runs| {
        let stopped = ledger.stop_runs(&runs, How::Stop);
        runs.into_iter().map(|run| run.pair()).zip(stopped).collect::<Vec<_>>()
    });
    report(meant, stopped.into_iter().flatten())
}

/// Says what came of each.
fn report(meant: &Meant, results: impl Iterator<Item = (Pair, Result<Stopped, StopError>)>) -> Answer {
    let err = output::stderr(meant);
    let mut views = Vec::new();
    let mut failure = None;
    for (pair, result) in results {
        match result {
            Ok(Stopped::Ended(run)) if meant.json => views.push(RunView::new(&run, clock::now())),
            Ok(Stopped::Ended(run)) => output::line(&format!("{pair}: {}", run.state.as_str()))?,
            Ok(Stopped::NotRunning(Some(run))) if meant.json => views.push(RunView::new(&run, clock::now())),
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
