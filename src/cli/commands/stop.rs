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
use crate::runner::stop::{How, Stopped};
use crate::system::clock;
use crate::view::run_view::RunView;

/// So many are stopped at once: each holds a few files open.
const AT_ONCE: usize = 32;

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
    all(meant, ledger.as_ref(), &[pairs])
}

/// Stops `runs`: first those that wait, which would start when the others make room for them.
pub(super) fn all_of(meant: &Meant, ledger: Option<&Ledger>, runs: &[Run]) -> Answer {
    let (waiting, running): (Vec<&Run>, Vec<&Run>) =
        runs.iter().partition(|run| matches!(run.state, RunState::Queued(_)));
    all(meant, ledger, &[waiting, running].map(|runs| runs.into_iter().map(Run::pair).collect()))
}

/// Stops the active run of each pair, one batch after the other, and says what came of it.
fn all(meant: &Meant, ledger: Option<&Ledger>, batches: &[Vec<Pair>]) -> Answer {
    let err = output::stderr(meant);
    if batches.iter().all(Vec::is_empty) {
        err.note("nothing runs");
    }
    // All are asked at once: each may take as long as its grace.
    let mut results: Vec<(Pair, Result<Stopped, CliError>)> = Vec::new();
    for pairs in batches.iter().flat_map(|pairs| pairs.chunks(AT_ONCE)) {
        results.extend(std::thread::scope(|scope| {
            let stopping: Vec<_> =
                pairs.iter().map(|pair| scope.spawn(move || (pair.clone(), stop_one(ledger, pair)))).collect();
            stopping.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>()
        }));
    }
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

fn stop_one(ledger: Option<&Ledger>, pair: &Pair) -> Result<Stopped, CliError> {
    match ledger {
        Some(ledger) => ledger.stop(pair, How::Stop).map_err(CliError::from),
        None => Ok(Stopped::NotRunning(None)),
    }
}
