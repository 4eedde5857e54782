//! `dispatch restart`: stops the pair's run and starts it anew, then does as `run`.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::{AttachHow, RestartArgs};
use crate::cli::commands::overrides::given_env;
use crate::cli::commands::run::exit_code;
use crate::cli::commands::run_one::{self, Streamed};
use crate::cli::commands::{attach, open, render, run};
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::{output, progress};
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::project::{Depth, show};
use crate::lifecycle::restart::PreparedRestart;
use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::model::started_by::StartedBy;
use crate::os::clock;
use crate::os::interrupts::Interrupts;
use crate::plan::drift::Drift;
use crate::view::plan_view::DriftView;
use crate::view::restart_view::{RestartView, changes};
use crate::view::run_view::RunView;

pub(super) fn run(context: &CommandContext, args: &RestartArgs) -> CommandResult {
    let project = open(context, Depth::Whole)?;
    let (mode, tasks) = (project.mode(&args.mode)?, project.tasks());
    let restart =
        PreparedRestart::new(&project, &tasks, (mode, tasks.find(&args.task)?), StartedBy::Cli, given_env(&args.env)?)?;
    if args.dry_run {
        return dry_run(context, restart);
    }
    for warning in restart.items.iter().flat_map(|item| item.prepared.set_up_warnings()) {
        output::stderr(context).warning(&warning);
    }
    note_changes(context, &restart.changes);
    // Until the old run has ended, Ctrl-C ends this command, as it does `stop`.
    let mut starts = restart.starts(None);
    restart.stop(&mut starts)?;
    if mode.form.has_window() || args.detach {
        let run = restart.start(&mut starts)?;
        return started(context, &restart, &run, args);
    }
    let mut interrupts = Interrupts::new()?;
    let run = restart.start(&mut starts)?;
    note_queued(context, &run);
    let protocol = run::protocol_of(&restart.store, &run);
    let ours = starts.started();
    match run_one::stream(context, &restart.store, run, &ours, run_one::shown_as(protocol), &mut interrupts)? {
        Streamed::Ended(run) if context.json => {
            output::json(&view(&restart, &run))?;
            Ok(exit_code(&run))
        }
        Streamed::Ended(run) => Ok(run_one::report_end(context, &restart.store, &run)),
        Streamed::LetGo(run, code) => {
            if context.json {
                output::json(&view(&restart, &run))?;
            }
            Ok(ExitCode::from(code))
        }
    }
}

/// Prints the started run, and shows it if it is a window.
fn started(context: &CommandContext, restart: &PreparedRestart, run: &Run, args: &RestartArgs) -> CommandResult {
    let is_queued = note_queued(context, run);
    if context.json {
        return output::json(&view(restart, run));
    }
    if args.detach {
        output::line(run.id().as_str())?;
        return Ok(ExitCode::SUCCESS);
    }
    if is_queued {
        return Ok(ExitCode::SUCCESS);
    }
    output::stderr(context).note(&format!("{} is open in window {}", run.pair(), run.pair().window_name()));
    match args.attach {
        AttachHow::None => Ok(ExitCode::SUCCESS),
        how => attach::show(context, &restart.store, run, how),
    }
}

fn dry_run(context: &CommandContext, restart: PreparedRestart) -> CommandResult {
    let prepared: Vec<Prepared> = restart.items.into_iter().map(|item| item.prepared).collect();
    if context.json {
        let runs: Vec<_> = prepared.iter().map(show::prepared).collect();
        let replaces = restart.replaced.id();
        return output::json(&json!({ "replaces": replaces, "changes": changes(&restart.changes), "runs": runs }));
    }
    note_changes(context, &restart.changes);
    render::print(context, &prepared)
}

/// One line for each field that changed.
fn note_changes(context: &CommandContext, drift: &[Drift]) {
    for DriftView { field, was, would_be } in changes(drift) {
        let values = was.zip(would_be).map(|(was, now)| format!(": {was} → {now}")).unwrap_or_default();
        output::stderr(context).note(&format!("changed: {field}{values}"));
    }
}

/// Prints that a run is queued; false if it is not.
fn note_queued(context: &CommandContext, run: &Run) -> bool {
    let is_queued = matches!(run.state, RunState::Queued(_));
    if is_queued {
        output::stderr(context).note(&format!("{}: {}", run.pair(), progress::words(run)));
    }
    is_queued
}

fn view(restart: &PreparedRestart, run: &Run) -> RestartView {
    let (replaces, changes) = (restart.replaced.id().to_string(), changes(&restart.changes));
    RestartView { run: RunView::new(run, clock::now()), replaces, changes }
}
