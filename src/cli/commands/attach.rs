//! `dispatch attach`: shows an interactive run in this terminal or another one, or prints the command that does.

use std::process::ExitCode;

use crate::cli::args::{AttachArgs, AttachHow};
use crate::cli::commands::attach_terminal::TerminalRequest;
use crate::cli::commands::run::on_a_terminal;
use crate::cli::commands::{attach_choice, attach_terminal, open};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED, USAGE};
use crate::cli::output;
use crate::lifecycle::project::Depth;
use crate::lifecycle::project::project_store;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::lifecycle::summary::attention;
use crate::lifecycle::window::attach;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::os::process::program;

pub(super) fn run(context: &CommandContext, args: &AttachArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let store = project_store::find(&project)?;
    let Some(store) = store else {
        return Err(CliError::new(FAILED, "nothing has run yet"));
    };
    let chosen = match (&args.mode, &args.task) {
        (Some(mode), Some(task)) => Ok(named(&store, &project_store::past_pair(&project, mode, task)?)?),
        _ if args.next => attach_choice::next(context, &store)?,
        _ => attach_choice::pick(context, &store)?,
    };
    let run = match chosen {
        Ok(run) => *run,
        Err(code) => return Ok(code),
    };
    // Recorded for every way of showing, so that `--next` proceeds to the other runs.
    attention::visited(&store, &run)?;
    if args.print && context.json {
        return attach_terminal::document(&run, "none", None);
    }
    if args.print {
        print_command(&run)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(name) = &args.terminal {
        let store = attach_terminal::with_terminal(&project, store, name)?;
        return show(context, &store, &run, AttachHow::Terminal);
    }
    show(context, &store, &run, if args.here { AttachHow::Here } else { AttachHow::Auto })
}

fn named(store: &Store, pair: &Pair) -> Result<Box<Run>, CliError> {
    let run = refresh::last_run(store, pair)?.filter(Run::is_active).ok_or_else(|| {
        CliError::new(FAILED, format!("`{pair}` is not running")).hint(format!("dispatch run {pair}"))
    })?;
    if run.facts.form.is_job() {
        return Err(CliError::new(USAGE, format!("`{pair}` is headless: it has no window"))
            .hint(format!("dispatch logs -f {pair}")));
    }
    Ok(Box::new(run))
}

/// Shows an interactive run.
pub(super) fn show(context: &CommandContext, store: &Store, run: &Run, how: AttachHow) -> CommandResult {
    // With a known window, another observation would only start another tmux client.
    let run = match run.progress.window {
        Some(_) => run.clone(),
        None => refresh::one(store, run.id())?.unwrap_or_else(|| run.clone()),
    };
    if how == AttachHow::Terminal {
        return attach_terminal::show(context, store, &run, TerminalRequest::Explicit);
    }
    if how == AttachHow::Here && context.json {
        let hint = format!("dispatch attach --print --json {}", run.pair());
        return Err(CliError::new(USAGE, "`--here` gives this terminal to the window, so it has no JSON").hint(hint));
    }
    if how == AttachHow::Auto && attach::switch_client(&run)? {
        return if context.json { attach_terminal::document(&run, "switched", None) } else { Ok(ExitCode::SUCCESS) };
    }
    if how == AttachHow::Here && !on_a_terminal() {
        return Err(CliError::new(FAILED, "stdin and stdout are no terminal to attach")
            .hint(format!("dispatch attach --print {}", run.pair())));
    }
    if context.json || !on_a_terminal() {
        return attach_terminal::show(context, store, &run, TerminalRequest::IfAvailable);
    }
    let argv = attach::attach_argv(&run).ok_or_else(|| gone(&run))?;
    let error = program::become_command(&argv);
    output::stderr(context).error(&error.to_string());
    Ok(ExitCode::from(FAILED))
}

pub(super) fn print_command(run: &Run) -> Result<(), CliError> {
    let argv = attach::attach_argv(run).ok_or_else(|| gone(run))?;
    output::line(&shell_words::join(argv))
}

fn gone(run: &Run) -> CliError {
    CliError::new(FAILED, format!("`{}` has no window", run.pair()))
}
