//! Progress of several runs: one line each on a terminal, plain lines elsewhere. And the texts of a run's state.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::agents::sanitize_line;
use crate::cli::context::CommandContext;
use crate::cli::control_echo::ControlEchoOff;
use crate::cli::output::{self, Stderr};
use crate::cli::table::Cell;
use crate::lifecycle::store::Store;
use crate::lifecycle::summary::failed_output::{FailedOutput, failed_output};
use crate::model::activity::ActivityState;
use crate::model::end_reason::EndReason;
use crate::model::run::Run;
use crate::model::run_state::{EndState, RunState, WaitingFor};
use crate::os::clock;

#[derive(Debug)]
pub(crate) struct ProgressDisplay {
    bars: Option<MultiProgress>,
    spinners: Vec<ProgressBar>,
    err: Stderr,
    _echo: Option<ControlEchoOff>,
}

/// The line of one run.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    name: String,
    bar: Option<ProgressBar>,
    err: Stderr,
    last: String,
}

impl ProgressDisplay {
    pub(crate) fn new(context: &CommandContext) -> Self {
        let bars = context.shows_progress().then(MultiProgress::new);
        let echo = bars.as_ref().and_then(|_| ControlEchoOff::new());
        Self { bars, spinners: Vec::new(), err: output::stderr(context), _echo: echo }
    }

    /// Removes the lines of runs that continue without this command.
    pub(crate) fn close(&self) {
        self.spinners.iter().filter(|bar| !bar.is_finished()).for_each(ProgressBar::finish_and_clear);
    }

    pub(crate) fn line(&mut self, name: &str) -> ProgressLine {
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<28} {elapsed:>5} {wide_msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        self.spinners.extend(bar.clone());
        ProgressLine { name: name.to_owned(), bar, err: self.err.clone(), last: String::new() }
    }
}

impl ProgressLine {
    /// Shows the run's state, if it has changed.
    pub(crate) fn show(&mut self, run: &Run) {
        let words = words(run);
        if words == self.last {
            return;
        }
        match &self.bar {
            Some(bar) if run.is_active() => bar.set_message(words.clone()),
            Some(bar) => bar.finish_with_message(words.clone()),
            None => self.err.note(&format!("{}: {words}", self.name)),
        }
        self.last = words;
    }

    /// Prints an event, on a terminal above the lines.
    pub(crate) fn note(&self, words: &str) {
        let text = format!("{}: {words}", self.name);
        match &self.bar {
            Some(bar) => bar.println(sanitize_line(&text)),
            None => self.err.note(&text),
        }
    }

    /// For a run that could not be started.
    pub(crate) fn fail(&mut self, message: &str) {
        match &self.bar {
            Some(bar) => bar.finish_with_message(sanitize_line(message)),
            None => self.err.error(&format!("{}: {message}", self.name)),
        }
    }
}

/// Prints the last lines of what failed, if `is_shown` selects it.
pub(crate) fn note_failed_output(
    context: &CommandContext,
    store: &Store,
    run: &Run,
    is_shown: impl Fn(&FailedOutput) -> bool,
) {
    let Some(failed) = failed_output(store, run).filter(is_shown) else { return };
    output::stderr(context).note(&format!("{}: last lines of its {}:", failed.pair, failed.from.name()));
    for line in failed.lines {
        output::stderr(context).note(&format!("  | {line}"));
    }
}

/// A run's state on one line: `queued (slot)`, `failed: exit code 3`.
pub(crate) fn words(run: &Run) -> String {
    sanitize_line(&all_words(run))
}

/// As [`words`], not sanitized.
fn all_words(run: &Run) -> String {
    match (&run.state, &run.end) {
        (RunState::Queued(WaitingFor::Gate), _) => format!("queued (gate): {}", at_gate(run)),
        (RunState::Queued(waiting_for), _) => match &run.progress.waits {
            Some(about) => format!("queued ({}): {about}", waiting_for.as_str()),
            None => format!("queued ({})", waiting_for.as_str()),
        },
        (RunState::Unknown(why), _) => format!("unknown: {}", why.reason()),
        (RunState::Ended(state), Some(end)) => {
            let mut text = state.as_str().replace('_', " ");
            let by_exit = end.exit.code.filter(|_| *state == EndState::Failed).map(EndReason::ExitCode);
            if let Some(reason) = end.reason.as_ref().or(by_exit.as_ref()) {
                text.push_str(&format!(": {reason}"));
            }
            text
        }
        (state, _) => match &run.progress.trouble {
            Some(trouble) => format!("{}: {trouble}", state.as_str()),
            None => on_node(run, state.as_str().to_owned()),
        },
    }
}

/// `running on n1`.
fn on_node(run: &Run, text: String) -> String {
    match run.node() {
        Some(node) => format!("{text} on {node}"),
        None => text,
    }
}

/// Since when a run waits at its gate, and the command that approves it.
pub(crate) fn at_gate(run: &Run) -> String {
    let since = run.progress.waits_since.map(|at| format!("since {}; ", clock::local_minute(at)));
    format!("{}`dispatch approve {}` lets it start", since.unwrap_or_default(), run.pair())
}

fn waits(run: &Run) -> bool {
    run.progress.activity.as_ref().is_some_and(|activity| activity.state == ActivityState::Waiting)
}

/// A window's activity, if it is not just working.
fn does(run: &Run) -> Option<&'static str> {
    match run.progress.activity.as_ref()?.state {
        ActivityState::Waiting => Some("waits for you"),
        ActivityState::Idle => Some("idle"),
        ActivityState::Working | ActivityState::Unknown => None,
    }
}

/// The state as a table cell.
pub(crate) fn cell(run: &Run) -> Cell {
    let colour = match &run.state {
        RunState::Ended(EndState::Succeeded) => "32",
        RunState::Ended(EndState::Stopped) => "2",
        RunState::Ended(_) => "31",
        RunState::Running if waits(run) => "33",
        RunState::Running | RunState::Starting | RunState::Stopping => "36",
        RunState::Queued(_) | RunState::Unknown(_) => "33",
    };
    let text = match &run.state {
        RunState::Queued(waiting_for) => format!("queued ({})", waiting_for.as_str()),
        state => match does(run) {
            Some(does) => format!("{} ({does})", state.as_str()),
            None if run.is_active() => on_node(run, state.as_str().to_owned()),
            None => state.as_str().to_owned(),
        },
    };
    Cell::coloured(text, colour)
}
