//! Errors of commands: printed once, with the exit code of their kind. `lifecycle` gives their messages.

use std::process::ExitCode;

use crate::cli::context::CommandContext;
use crate::cli::output;
use crate::lifecycle::failure::{Failure, Kind};
use crate::model::problem::Problem;

/// Wrong usage, a bad manifest, an unknown name.
pub(crate) const USAGE: u8 = 2;
/// The command failed.
pub(crate) const FAILED: u8 = 1;
/// `dispatch` itself failed, not the agent.
pub(crate) const OURS: u8 = 125;

/// The result of a command.
pub(crate) type CommandResult = Result<ExitCode, CliError>;

/// What is printed, and the exit code.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) message: String,
    pub(crate) problems: Vec<Problem>,
    pub(crate) hints: Vec<String>,
    pub(crate) code: u8,
}

impl CliError {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { message: message.into(), problems: Vec::new(), hints: Vec::new(), code }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Prints the error, once, and turns it into an exit code.
    pub(crate) fn report(self, context: &CommandContext) -> ExitCode {
        let err = output::stderr(context);
        err.problems(&self.problems);
        if !self.message.is_empty() {
            err.error(&self.message);
        }
        for hint in &self.hints {
            err.hint(hint);
        }
        ExitCode::from(self.code)
    }
}

impl<E: Into<Failure>> From<E> for CliError {
    fn from(error: E) -> Self {
        let Failure { kind, message, problems, hints } = error.into();
        Self { message, problems, hints, code: code(kind) }
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
