//! `dispatch attach` and `run` where this is no terminal, or another is asked for: the user's own.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::commands::{Answer, attach};
use crate::cli::error::{CliError, FAILED, USAGE};
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::manifest::terminal_section;
use crate::model::run::Run;
use crate::runner::attach::attach_argv;
use crate::runner::project::Project;
use crate::runner::show_window;
use crate::runner::show_window::{NotShown, Shown};
use crate::runner::store::{Store, Wish};

/// How much a terminal is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// `--terminal`, `--attach terminal`.
    Outright,
    /// Where there is one.
    InPassing,
}

/// The store with the terminal that was typed.
pub(super) fn wished(project: &Project, store: Store, typed: &str) -> Result<Store, CliError> {
    match terminal_section::parse(typed) {
        Some(terminal) => Ok(store.with_terminal(Wish { terminal, ..project.wish() })),
        None => {
            let problem = terminal_section::unknown(typed);
            Err(problem.hints.into_iter().fold(CliError::new(USAGE, problem.message), CliError::hint))
        }
    }
}

/// Opens or focuses it; where there is none, prints the command that attaches.
pub(super) fn show(meant: &Meant, store: &Store, run: &Run, asked: Asked) -> Answer {
    let shown = show_window::show_window(store, run)?;
    let err = output::stderr(meant);
    let pair = run.pair();
    if meant.json {
        output::json(&json!({
            "runId": run.id(), "mode": pair.mode.as_str(), "task": pair.task.as_str(),
            "session": run.facts.session, "window": pair.window_name(), "attached": shown.word(),
            "attachNote": shown.remark(), "attachCommand": attach_argv(run).map(shell_words::join),
        }))?;
    }
    match &shown {
        Shown::Focused(Ok(())) => err.note(&format!("{pair} is shown in your terminal")),
        Shown::Focused(Err(_)) => {
            err.note(&format!("{pair} is in your terminal: {}", shown.remark().unwrap_or_default()));
        }
        Shown::Opened { terminal } => err.note(&format!("{pair} is open in {terminal}")),
        Shown::None(error) => return nothing(meant, run, error, asked),
    }
    Ok(ExitCode::SUCCESS)
}

fn nothing(meant: &Meant, run: &Run, error: &NotShown, asked: Asked) -> Answer {
    let err = output::stderr(meant);
    let is_a_mistake = !matches!(error, NotShown::NoTerminal(why) if !why.is_a_mistake());
    match asked {
        Asked::Outright if is_a_mistake => {
            let line = attach_argv(run).map(shell_words::join);
            let error = CliError::new(FAILED, error.to_string());
            return Err(line
                .into_iter()
                .fold(error.hint("`dispatch doctor` names the terminal that would be opened"), CliError::hint));
        }
        Asked::Outright => err.note(&error.to_string()),
        Asked::InPassing if is_a_mistake => err.warning(&error.to_string()),
        Asked::InPassing => tracing::info!(%error, "no terminal is opened"),
    }
    if meant.json { Ok(ExitCode::SUCCESS) } else { attach::print_command(run) }
}
