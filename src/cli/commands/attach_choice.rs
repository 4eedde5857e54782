//! The run for `attach` without names: the next one that waits for the user, or one picked from a list.

use std::process::ExitCode;

use crate::cli::commands::run::on_a_terminal;
use crate::cli::commands::{say, ui};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, FAILED, USAGE};
use crate::cli::progress;
use crate::lifecycle::store::{Observed, Store};
use crate::lifecycle::summary::attention;
use crate::model::run::Run;
use crate::os::{clock, environment};
use crate::tui::{self, PickResult};
use crate::view::amounts::duration;

/// A run, or the exit code without one.
pub(super) type ChosenRun = Result<Box<Run>, ExitCode>;

/// The run that has waited longest, of those not attached to since.
pub(super) fn next(context: &CommandContext, store: &Store) -> Result<ChosenRun, CliError> {
    let (run, notices) = attention::next_waiting(store)?;
    say(context, &notices);
    match run {
        Some(run) => Ok(Ok(Box::new(run))),
        None => Err(CliError::new(FAILED, "no run waits for you").hint("`dispatch status` shows what runs")),
    }
}

/// Lets the user pick on a terminal; otherwise fails with the possible commands as hints.
pub(super) fn pick(context: &CommandContext, store: &Store) -> Result<ChosenRun, CliError> {
    let Observed { mut runs, notices } = attention::windows(store)?;
    say(context, &notices);
    let is_dumb = environment::var_text("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    if context.json || !on_a_terminal() || is_dumb {
        let error = CliError::new(USAGE, "name a mode and a task");
        return Err(runs.iter().fold(error, |error, run| error.hint(format!("dispatch attach {}", run.pair()))));
    }
    if runs.is_empty() {
        return Err(CliError::new(FAILED, "no window is open").hint("dispatch run MODE TASK"));
    }
    let rows = runs.iter().map(row).collect();
    Ok(match tui::pick(vec!["TASK", "MODE", "FOR", "DOES"], rows, ui::abilities(context))? {
        PickResult::Picked(at) if at < runs.len() => Ok(Box::new(runs.swap_remove(at))),
        PickResult::Picked(_) | PickResult::Left => Err(ExitCode::SUCCESS),
        PickResult::Interrupted => Err(ExitCode::from(130)),
        PickResult::Ended => Err(ExitCode::from(143)),
    })
}

fn row(run: &Run) -> Vec<String> {
    let activity = run.progress.activity.as_ref();
    let since = activity.map(|activity| activity.at).or(run.progress.started_at);
    let age = since.map(|since| duration(clock::millis_between(since, clock::now()))).unwrap_or_default();
    let does = match activity {
        Some(activity) if attention::waits_since(run).is_some() => format!("waits for you: {}", activity.reason),
        Some(activity) => activity.state.as_str().to_owned(),
        None => progress::words(run),
    };
    vec![run.facts.task.to_string(), run.facts.mode.to_string(), age, does]
}
