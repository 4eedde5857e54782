//! Converts every error into a kind, a message and hints how to fix it. No other module turns errors into text.
//! Must not know how a front end shows it, nor its exit codes or HTTP statuses.

mod kind;
mod of_request;
mod of_run;
mod of_system;

use std::error::Error;
use std::fmt;

use crate::model::names::{Pair, TaskId};
use crate::model::problem::{Problem, summary};

pub use kind::Kind;

/// `message` may be empty if `problems` contain everything.
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

    /// The failure for a pair without runs.
    pub fn never_run(pair: &Pair) -> Self {
        Self::new(Kind::NeverRun, format!("`{pair}` has never run")).hint(format!("dispatch run {pair}"))
    }

    /// The failure for a task without runs.
    pub fn task_never_run(task: &TaskId) -> Self {
        Self::new(Kind::NeverRun, format!("`{task}` has never run")).hint(format!("dispatch run MODE {task}"))
    }

    /// Mistakes in files; the message counts them.
    pub fn of_problems(problems: Vec<Problem>) -> Self {
        let message = summary(&problems);
        Self { problems, ..Self::new(Kind::BadManifest, message) }
    }

    /// One problem that needs no further message.
    pub(crate) fn of_problem(kind: Kind, problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::new(kind, "") }
    }

    /// An error and its causes on one line.
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

fn quote(word: &str) -> String {
    shell_words::quote(word).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::lifecycle::launch::prepare::PrepareError;
    use crate::lifecycle::launch::start::StartError;
    use crate::lifecycle::project::{NameLookupError, OpenError};
    use crate::lifecycle::stop::StopError;
    use crate::model::names::{ModeName, Pair, TaskId};
    use crate::os::tmux::TmuxError;

    #[test]
    fn an_unknown_mode_is_told_with_the_nearest() {
        let unknown = |nearest: Option<&str>| {
            let (typed, known) = ("reviw".to_owned(), vec!["job".to_owned(), "review".to_owned()]);
            let nearest = nearest.map(str::to_owned);
            Failure::from(PrepareError::Name(NameLookupError::UnknownMode { typed, nearest, known }))
        };
        let failure = unknown(Some("review"));
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::UnknownMode, "unknown mode `reviw`"));
        assert_eq!(failure.hints, ["did you mean `review`?"]);
        assert_eq!(unknown(None).hints, ["there are: job, review"]);
    }

    #[test]
    fn what_the_machine_lacks_is_not_what_cannot_be_seen() {
        let silent = TmuxError::Unknown { command: "list-panes".to_owned(), stderr: "lost".to_owned() };
        assert_eq!(Failure::from(StartError::Tmux(TmuxError::NotFound)).kind, Kind::Tmux);
        assert_eq!(Failure::from(StopError::Tmux(silent)).kind, Kind::Unseen);
        assert_eq!(Failure::from(StartError::Busy { holder: None }).kind, Kind::Busy);
    }

    #[test]
    fn causes_stand_on_one_line_and_are_not_said_twice() {
        let cause = || io::Error::other("the disk is gone");
        assert_eq!(Failure::from(StartError::Io(cause())).message, "the run cannot be started: the disk is gone");
        assert_eq!(Failure::from(cause()).message, "the disk is gone");
    }

    #[test]
    fn problems_are_counted_and_one_speaks_for_itself() {
        let problems = vec![Problem::error("a"), Problem::error("b"), Problem::warning("c")];
        let failure = Failure::from(OpenError::Problems { problems });
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::BadManifest, "2 errors, 1 warning"));
        let one = Failure::from(PrepareError::from(Problem::error("a")));
        assert_eq!((one.message.as_str(), one.to_string().as_str()), ("", "a"));
        let pair = Pair { mode: ModeName::parse("job").unwrap(), task: TaskId::parse("T-1").unwrap() };
        assert_eq!(Failure::never_run(&pair).hints, ["dispatch run job T-1"]);
    }
}
