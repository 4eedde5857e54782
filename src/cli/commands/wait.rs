//! `dispatch wait`: waits until runs have ended, and exits as `run` does.

use std::process::ExitCode;
use std::time::Instant;

use crate::cli::args::{Selected, WaitArgs};
use crate::cli::commands::run::code;
use crate::cli::commands::{active, open, task_word};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, TIMED_OUT};
use crate::cli::stuck_warning::StuckWarning;
use crate::cli::{output, progress};
use crate::lifecycle::failure::Failure;
use crate::lifecycle::launch::start;
use crate::lifecycle::project::{Depth, Project, project_store};
use crate::lifecycle::store::Store;
use crate::lifecycle::{follow, refresh};
use crate::model::run::Run;
use crate::model::run_state::EndState;
use crate::os::clock;
use crate::view::run_view::RunView;

pub(super) fn run(context: &CommandContext, args: &WaitArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let store = project_store::find(&project)?;
    let runs = runs(context, &project, store.as_ref(), args.words.selected())?;
    let begun = Instant::now();
    let mut first = None;
    let mut views = Vec::new();
    for run in runs {
        let Some(store) = &store else { break };
        let left = args.timeout.map(|timeout| timeout.as_duration().saturating_sub(begun.elapsed()));
        let mut warning = StuckWarning::default();
        let Some(run) = follow::wait_for_end(store, &run, left, &mut |run| warning.show(context, run))? else {
            return Err(CliError::new(TIMED_OUT, format!("`{}` has not ended", run.pair())));
        };
        if code(&run) != 0 {
            first = first.or(Some(code(&run)));
        }
        if run.end_state() != Some(EndState::Succeeded) {
            output::stderr(context).note(&format!("{}: {}", run.pair(), progress::words(&run)));
            if !context.json {
                progress::note_failed_output(context, store, &run, |_| true);
            }
            if let Some(hint) = run.hint() {
                output::stderr(context).hint(&hint);
            }
        }
        views.push(RunView::new(&run, clock::now()));
    }
    if context.json {
        output::json(&serde_json::json!({ "runs": views }))?;
    }
    Ok(ExitCode::from(first.unwrap_or(0)))
}

/// The runs to wait for, in the order in which they decide the exit code.
fn runs(
    context: &CommandContext,
    project: &Project,
    store: Option<&Store>,
    selected: Selected<'_>,
) -> Result<Vec<Run>, CliError> {
    let mode = match selected {
        Selected::Pairs(mode, tasks) => {
            let last = |task: &String| -> Result<Run, CliError> {
                let pair = project_store::past_pair(project, mode, task)?;
                let run = store.map(|store| refresh::last_run(store, &pair)).transpose()?.flatten();
                Ok(run.ok_or_else(|| Failure::never_run(&pair))?)
            };
            return tasks.iter().map(last).collect();
        }
        Selected::Task(word) => {
            let (task, runs) = task_word::find(project, store, word, "wait")?;
            return if runs.is_empty() { Err(Failure::task_never_run(&task).into()) } else { Ok(runs) };
        }
        Selected::Mode(mode) => Some(mode),
        Selected::All => None,
    };
    let mut runs = active::runs(context, project, store, mode)?;
    without_own(context, &mut runs);
    if runs.is_empty() {
        output::stderr(context).note("nothing runs");
    }
    Ok(runs)
}

/// Removes the run in which this command was called, and those around it: they cannot end before this command does.
fn without_own(context: &CommandContext, runs: &mut Vec<Run>) {
    let mut own = start::parent();
    while let Some(at) = own.and_then(|own| runs.iter().position(|run| *run.id() == own)) {
        let run = runs.remove(at);
        output::stderr(context).note(&format!("not waiting for {}: this command runs in it", run.pair()));
        own = run.facts.parent_run;
    }
}
