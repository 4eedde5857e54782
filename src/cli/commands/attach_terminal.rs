//! `attach` and `run` in a new or existing window of the user's terminal emulator.

use std::process::ExitCode;

use serde_json::json;

use crate::cli::commands::attach;
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED, USAGE};
use crate::cli::output;
use crate::lifecycle::project::Project;
use crate::lifecycle::store::{Store, TerminalPreference};
use crate::lifecycle::window::attach::attach_argv;
use crate::lifecycle::window::show_window::{self, NotShown, Shown};
use crate::manifest::terminal_section;
use crate::model::run::Run;

/// Whether the user requested a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TerminalRequest {
    /// `--terminal` or `--attach terminal`.
    Explicit,
    IfAvailable,
}

/// The store with the terminal that was typed.
pub(super) fn with_terminal(project: &Project, mut store: Store, typed: &str) -> Result<Store, CliError> {
    match terminal_section::parse(typed) {
        Some(terminal) => {
            store.terminal = TerminalPreference { terminal, ..project.terminal_preference() };
            Ok(store)
        }
        None => {
            let problem = terminal_section::unknown(typed);
            Err(problem.hints.into_iter().fold(CliError::new(USAGE, problem.message), CliError::hint))
        }
    }
}

/// Opens or focuses a terminal; without one, prints the command that attaches.
pub(super) fn show(context: &CommandContext, store: &Store, run: &Run, request: TerminalRequest) -> CommandResult {
    let shown = show_window::show_window(store, run)?;
    let err = output::stderr(context);
    let pair = run.pair();
    match &shown {
        Shown::Focused(Ok(())) => err.note(&format!("{pair} is shown in your terminal")),
        Shown::Focused(Err(_)) => {
            err.note(&format!("{pair} is in your terminal: {}", shown.remark().unwrap_or_default()));
        }
        Shown::Opened { terminal } => err.note(&format!("{pair} is open in {terminal}")),
        Shown::None(error) => not_shown(context, run, error, request)?,
    }
    if context.json {
        return document(run, shown.word(), shown.remark());
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints how a window was shown, and the command that attaches.
pub(super) fn document(run: &Run, attached: &str, note: Option<String>) -> CommandResult {
    let pair = run.pair();
    output::json(&json!({
        "runId": run.id(), "mode": pair.mode.as_str(), "task": pair.task.as_str(),
        "session": run.facts.session, "window": pair.window_name(), "attached": attached,
        "attachNote": note, "attachCommand": attach_argv(run).map(shell_words::join),
    }))
}

fn not_shown(context: &CommandContext, run: &Run, error: &NotShown, request: TerminalRequest) -> Result<(), CliError> {
    let err = output::stderr(context);
    let is_a_mistake = !matches!(error, NotShown::NoTerminal(why) if !why.is_a_mistake());
    match request {
        TerminalRequest::Explicit if is_a_mistake => {
            let line = attach_argv(run).map(shell_words::join);
            let error = CliError::new(FAILED, error.to_string());
            return Err(line
                .into_iter()
                .fold(error.hint("`dispatch doctor` names the terminal that would be opened"), CliError::hint));
        }
        TerminalRequest::Explicit => err.note(&error.to_string()),
        TerminalRequest::IfAvailable if is_a_mistake => err.warning(&error.to_string()),
        TerminalRequest::IfAvailable => tracing::info!(%error, "no terminal is opened"),
    }
    if context.json { Ok(()) } else { attach::print_command(run) }
}
