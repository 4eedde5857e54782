//! Errors of commands: printed once, with the exit code of their kind. `lifecycle` gives their messages.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::cli::context::CommandContext;
use crate::cli::output;
use crate::lifecycle::failure::{Failure, Kind};
use crate::model::problem::Problem;
use crate::view::problem_view::ProblemView;

/// Wrong usage, a bad manifest, an unknown name.
pub(crate) const USAGE: u8 = 2;
/// The command failed.
pub(crate) const FAILED: u8 = 1;
/// `wait --timeout` gave up, as `timeout` does.
pub(crate) const TIMED_OUT: u8 = 124;
/// `dispatch` itself failed, not the agent.
pub(crate) const OURS: u8 = 125;

/// The result of a command.
pub(crate) type CommandResult = Result<ExitCode, CliError>;

/// What is printed, and the exit code.
#[derive(Debug)]
pub(crate) struct CliError {
    /// The value of `code` in JSON.
    name: &'static str,
    /// Its message and its JSON document were printed already: hints and the exit code are left.
    is_printed: bool,
    pub(crate) message: String,
    pub(crate) problems: Vec<Problem>,
    pub(crate) hints: Vec<String>,
    pub(crate) code: u8,
}

impl CliError {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        let name = match code {
            USAGE => Kind::Usage.as_str(),
            OURS => Kind::Internal.as_str(),
            TIMED_OUT => "timed_out",
            _ => Kind::Failed.as_str(),
        };
        Self { name, is_printed: false, message: message.into(), problems: Vec::new(), hints: Vec::new(), code }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// For an error that a command has printed among its results.
    pub(crate) fn printed(self) -> Self {
        Self { is_printed: true, ..self }
    }

    /// The value of `error` in JSON.
    pub(crate) fn view(&self) -> Value {
        let first = || self.problems.first().map(|problem| problem.message.as_str());
        let message = Some(self.message.as_str()).filter(|message| !message.is_empty()).or_else(first);
        let mut view = json!({ "code": self.name, "message": message.unwrap_or_default() });
        if !self.hints.is_empty() {
            view["hint"] = self.hints.join("\n").into();
        }
        if !self.problems.is_empty() {
            view["problems"] = self.problems.iter().map(|problem| json!(ProblemView::new(problem))).collect();
        }
        view
    }

    /// Prints the error, once, and turns it into an exit code.
    pub(crate) fn report(self, context: &CommandContext) -> ExitCode {
        let err = output::stderr(context);
        if !self.is_printed {
            if context.json {
                // One line, so that it may also end JSON Lines.
                let _ =
                    output::json_line(&json!({ "error": self.view() })).and_then(|line| output::write(line.as_bytes()));
            }
            err.problems(&self.problems);
            if !self.message.is_empty() {
                err.error(&self.message);
            }
        }
        for hint in &self.hints {
            err.hint(hint);
        }
        ExitCode::from(self.code)
    }
}

/// The document of a command on several runs; `failure` is the first one.
pub(crate) fn runs_document(runs: &[Value], failure: Option<&CliError>) -> Value {
    match failure {
        Some(error) => json!({ "runs": runs, "error": error.view() }),
        None => json!({ "runs": runs }),
    }
}

impl From<clap::Error> for CliError {
    /// The first paragraph of clap's text as the message, the others as hints.
    fn from(error: clap::Error) -> Self {
        let text = error.render().to_string();
        let mut parts = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
        let message = parts.next().unwrap_or_default();
        let message = message.strip_prefix("error: ").unwrap_or(&message);
        parts.filter(|part| !part.is_empty()).fold(Self::new(USAGE, message), Self::hint)
    }
}

impl<E: Into<Failure>> From<E> for CliError {
    fn from(error: E) -> Self {
        let Failure { kind, message, problems, hints } = error.into();
        Self { name: kind.as_str(), is_printed: false, message, problems, hints, code: code(kind) }
    }
}

/// The exit code of a kind.
fn code(kind: Kind) -> u8 {
    match kind {
        Kind::InvalidName
        | Kind::UnknownMode
        | Kind::UnknownTask
        | Kind::BadManifest
        | Kind::Usage
        | Kind::UnknownFile
        | Kind::StateFolder
        | Kind::Tmux => USAGE,
        Kind::NeverRun | Kind::Conflict | Kind::NotWaiting | Kind::Stale | Kind::Unconfirmed | Kind::Failed => FAILED,
        Kind::AgentNotExecutable => 126,
        Kind::AgentNotFound => 127,
        Kind::Unseen | Kind::Busy | Kind::Internal | Kind::Engine => OURS,
    }
}
