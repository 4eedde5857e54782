//! `dispatch wait`: waits until runs have ended, and exits as `run` does.

use std::process::ExitCode;
use std::time::Instant;

use crate::cli::args::WaitArgs;
use crate::cli::commands::open;
use crate::cli::commands::run::code;
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult};
use crate::cli::stuck_warning::StuckWarning;
use crate::cli::{output, progress};
use crate::lifecycle::failure::Failure;
use crate::lifecycle::project::{Depth, project_store};
use crate::lifecycle::{follow, refresh};
use crate::model::run_state::EndState;
use crate::os::clock;
use crate::view::run_view::RunView;

/// The exit code after `--timeout`, as of `timeout`.
const TIMED_OUT: u8 = 124;

pub(super) fn run(context: &CommandContext, args: &WaitArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let store = project_store::find(&project)?;
    let mut runs = Vec::new();
    for task in &args.tasks {
        let pair = project_store::past_pair(&project, &args.mode, task)?;
        let run = store.as_ref().map(|store| refresh::last_run(store, &pair)).transpose()?.flatten();
        runs.push(run.ok_or_else(|| Failure::never_run(&pair))?);
    }
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
