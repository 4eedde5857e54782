//! `dispatch attach`: this terminal on an interactive run, or the command that does it.

use std::process::ExitCode;

use crate::cli::args::{Attach as Args, AttachHow};
use crate::cli::commands::attach_terminal::Asked;
use crate::cli::commands::run::on_a_terminal;
use crate::cli::commands::{Answer, attach_terminal, open};
use crate::cli::error::{CliError, FAILED, USAGE};
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::model::run::Run;
use crate::runner::ledger::Ledger;
use crate::runner::project::Depth;
use crate::system::process::program;

pub(super) fn run(meant: &Meant, args: &Args) -> Answer {
    let project = open(meant, Depth::Shape)?;
    let ledger = project.ledger()?;
    let Some(ledger) = ledger else {
        return Err(CliError::new(FAILED, "nothing has run yet"));
    };
    let (Some(mode), Some(task)) = (&args.mode, &args.task) else {
        let windows = ledger.observe()?.runs.into_iter().filter(|run| run.is_active() && !run.facts.headless);
        let error = CliError::new(USAGE, "name a mode and a task");
        return Err(windows.fold(error, |error, run| error.hint(format!("dispatch attach {}", run.pair()))));
    };
    let pair = project.past_pair(mode, task)?;
    let run = ledger.last_run(&pair)?.filter(Run::is_active).ok_or_else(|| {
        CliError::new(FAILED, format!("`{pair}` is not running")).hint(format!("dispatch run {pair}"))
    })?;
    if run.facts.headless {
        return Err(CliError::new(USAGE, format!("`{pair}` is headless: it has no window"))
            .hint(format!("dispatch logs -f {pair}")));
    }
    if args.print {
        return print_command(&ledger, &run);
    }
    if let Some(name) = &args.terminal {
        let ledger = attach_terminal::wished(&project, ledger, name)?;
        return show(meant, &ledger, &run, AttachHow::Terminal);
    }
    show(meant, &ledger, &run, if args.here { AttachHow::Here } else { AttachHow::Auto })
}

/// Shows an interactive run as `how` says.
pub(super) fn show(meant: &Meant, ledger: &Ledger, run: &Run, how: AttachHow) -> Answer {
    // Where its window is known only tmux could tell more: another look is another client.
    let run = match run.progress.window {
        Some(_) => run.clone(),
        None => ledger.run(run.id())?.unwrap_or_else(|| run.clone()),
    };
    if how == AttachHow::Terminal {
        return attach_terminal::show(meant, ledger, &run, Asked::Outright);
    }
    if how == AttachHow::Auto && ledger.switch_client(&run)? {
        return Ok(ExitCode::SUCCESS);
    }
    if how == AttachHow::Here && !on_a_terminal() {
        return Err(CliError::new(FAILED, "stdin and stdout are no terminal to attach")
            .hint(format!("dispatch attach --print {}", run.pair())));
    }
    if !on_a_terminal() {
        return attach_terminal::show(meant, ledger, &run, Asked::InPassing);
    }
    let argv = ledger.attach_argv(&run).ok_or_else(|| gone(&run))?;
    let error = program::become_command(&argv);
    output::stderr(meant).error(&error.to_string());
    Ok(ExitCode::from(FAILED))
}

pub(super) fn print_command(ledger: &Ledger, run: &Run) -> Answer {
    let argv = ledger.attach_argv(run).ok_or_else(|| gone(run))?;
    output::line(&shell_words::join(argv))?;
    Ok(ExitCode::SUCCESS)
}

fn gone(run: &Run) -> CliError {
    CliError::new(FAILED, format!("`{}` has no window", run.pair()))
}
