//! `dispatch` without a command: active runs, open tasks, and likely next commands.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::cli::args::Cli;
use crate::cli::commands::{open, say, status};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, USAGE};
use crate::cli::output;
use crate::lifecycle::project::Depth;
use crate::lifecycle::project::locate::locate;
use crate::lifecycle::project::project_store;
use crate::lifecycle::reconcile::held::Held;
use crate::lifecycle::refresh;
use crate::manifest::Mode;
use crate::model::run::Run;
use crate::model::run_form::RunForm;
use crate::model::task_status::TaskStatus;

pub(super) fn run(context: &CommandContext) -> CommandResult {
    if context.json || !std::io::stdout().is_terminal() {
        return Err(CliError::new(USAGE, "no command was given").hint("`dispatch --help` lists them"));
    }
    if matches!(locate(&context.location), Ok(None)) {
        output::write(Cli::command().render_help().to_string().as_bytes())?;
        output::stderr(context).hint("`dispatch init` writes a starter manifest here");
        return Ok(ExitCode::SUCCESS);
    }
    let project = open(context, Depth::Shape)?;
    let tasks = project.tasks();
    let mut active = Vec::new();
    if let Some(store) = project_store::find(&project)? {
        let observed = refresh::all(&store)?;
        say(context, &observed.notices);
        active = observed.runs.into_iter().filter(Run::is_active).collect();
    }
    if active.is_empty() {
        output::line("nothing runs")?;
    } else {
        output::write(status::table(context, &active, &Held::new()).as_bytes())?;
    }
    let open_tasks =
        tasks.tasks().iter().filter(|task| !matches!(task.status, Some(TaskStatus::Done | TaskStatus::Archived)));
    let waiting: Vec<_> = open_tasks.filter(|task| !active.iter().any(|run| run.facts.task == task.id)).collect();
    output::line(&format!("\n{} open tasks without a run, {} modes", waiting.len(), project.manifest.modes.len()))?;
    output::line("\nnext:")?;
    if let Some(run) = active.first() {
        let verb = if run.facts.form.is_job() { "logs -f" } else { "attach" };
        output::line(&format!("  dispatch {verb} {}", run.pair()))?;
    }
    let first_of = |form: RunForm| {
        let modes = project.manifest.modes.values();
        modes.filter(|mode| mode.form == form).find(|mode| mode.name.as_str() != "none")
    };
    if let Some(task) = waiting.first() {
        for mode in [first_of(RunForm::Headless), first_of(RunForm::Interactive)].into_iter().flatten() {
            output::line(&format!("  dispatch run {} {}", name(mode), task.id))?;
        }
    }
    output::line("  dispatch tasks")?;
    output::line("  dispatch history")?;
    Ok(ExitCode::SUCCESS)
}

fn name(mode: &Mode) -> &str {
    mode.name.as_str()
}
