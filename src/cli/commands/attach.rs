//! `dispatch attach`: this terminal on an interactive run, or the command that does it.

use std::process::ExitCode;

use crate::cli::args::{Attach as Args, AttachHow};
use crate::cli::commands::attach_terminal::Asked;
use crate::cli::commands::run::on_a_terminal;
use crate::cli::commands::{Answer, attach_choice, attach_terminal, open};
use crate::cli::error::{CliError, FAILED, USAGE};
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::runner::attach;
use crate::runner::attention;
use crate::runner::observe;
use crate::runner::project::Depth;
use crate::runner::project_store;
use crate::runner::store::Store;
use crate::system::process::program;

pub(super) fn run(meant: &Meant, args: &Args) -> Answer {
    let project = open(meant, Depth::Shape)?;
    let store = project_store::find(&project)?;
    let Some(store) = store else {
        return Err(CliError::new(FAILED, "nothing has run yet"));
    };
    let chosen = match (&args.mode, &args.task) {
        (Some(mode), Some(task)) => Ok(named(&store, &project_store::past_pair(&project, mode, task)?)?),
        _ if args.next => attach_choice::next(meant, &store)?,
        _ => attach_choice::pick(meant, &store)?,
    };
    let run = match chosen {
        Ok(run) => *run,
        Err(code) => return Ok(code),
    };
    // However it is shown: `--next` goes on to the others.
    attention::visited(&store, &run)?;
    if args.print {
        return print_command(&run);
    }
    if let Some(name) = &args.terminal {
        let store = attach_terminal::wished(&project, store, name)?;
        return show(meant, &store, &run, AttachHow::Terminal);
    }
    show(meant, &store, &run, if args.here { AttachHow::Here } else { AttachHow::Auto })
}

fn named(store: &Store, pair: &Pair) -> Result<Box<Run>, CliError> {
    let run = observe::last_run(store, pair)?.filter(Run::is_active).ok_or_else(|| {
        CliError::new(FAILED, format!("`{pair}` is not running")).hint(format!("dispatch run {pair}"))
    })?;
    if run.facts.headless {
        return Err(CliError::new(USAGE, format!("`{pair}` is headless: it has no window"))
            .hint(format!("dispatch logs -f {pair}")));
    }
    Ok(Box::new(run))
}

/// Shows an interactive run as `how` says.
pub(super) fn show(meant: &Meant, store: &Store, run: &Run, how: AttachHow) -> Answer {
    // Where its window is known only tmux could tell more: another look is another client.
    let run = match run.progress.window {
        Some(_) => run.clone(),
        None => observe::run(store, run.id())?.unwrap_or_else(|| run.clone()),
    };
    if how == AttachHow::Terminal {
        return attach_terminal::show(meant, store, &run, Asked::Outright);
    }
    if how == AttachHow::Auto && attach::switch_client(&run)? {
        return Ok(ExitCode::SUCCESS);
    }
    if how == AttachHow::Here && !on_a_terminal() {
        return Err(CliError::new(FAILED, "stdin and stdout are no terminal to attach")
            .hint(format!("dispatch attach --print {}", run.pair())));
    }
    if !on_a_terminal() {
        return attach_terminal::show(meant, store, &run, Asked::InPassing);
    }
    let argv = attach::attach_argv(&run).ok_or_else(|| gone(&run))?;
    let error = program::become_command(&argv);
    output::stderr(meant).error(&error.to_string());
    Ok(ExitCode::from(FAILED))
}

pub(super) fn print_command(run: &Run) -> Answer {
    let argv = attach::attach_argv(run).ok_or_else(|| gone(run))?;
    output::line(&shell_words::join(argv))?;
    Ok(ExitCode::SUCCESS)
}

fn gone(run: &Run) -> CliError {
    CliError::new(FAILED, format!("`{}` has no window", run.pair()))
}
