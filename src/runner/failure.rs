//! What went wrong, as every front end says it: a kind, a message, and the cures.
//!
//! The one place where an error of the house becomes words for a person. Must not know how they are
//! shown, nor which exit code or status goes with a kind.

mod kind;
mod words;

use std::error::Error;
use std::fmt;

use crate::model::names::Pair;
use crate::model::problem::{Problem, summary};

pub use kind::Kind;

/// See the module. `message` may be empty where the problems say it all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    pub message: String,
    pub problems: Vec<Problem>,
    pub hints: Vec<String>,
}

impl Failure {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), problems: Vec::new(), hints: Vec::new() }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A pair that there is no run of.
    pub fn never_run(pair: &Pair) -> Self {
        Self::new(Kind::NeverRun, format!("`{pair}` has never run")).hint(format!("dispatch run {pair}"))
    }

    /// Mistakes in files, counted.
    pub fn of_problems(problems: Vec<Problem>) -> Self {
        let message = summary(&problems);
        Self { problems, ..Self::new(Kind::BadManifest, message) }
    }

    /// One mistake, which says it all.
    pub(crate) fn of_problem(kind: Kind, problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::new(kind, "") }
    }

    /// An error with its causes on one line.
    pub(crate) fn chain(kind: Kind, error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !message.ends_with(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = inner.source();
        }
        Self::new(kind, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.first() {
            Some(problem) if self.message.is_empty() => f.write_str(&problem.message),
            _ => f.write_str(&self.message),
        }
    }
}

impl Error for Failure {}
