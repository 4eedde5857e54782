//! Errors at the edge: the one place that decides kind, hint and exit code.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use crate::cli::frames;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::manifest::discover::MANIFEST_NAME;
use crate::model::problem::Problem;
use crate::runner::apply::ApplyError;
use crate::runner::approve::ApproveError;
use crate::runner::follow::FollowError;
use crate::runner::prepare::PrepareError;
use crate::runner::project::{NameLookupError, OpenError};
use crate::runner::prune::PruneError;
use crate::runner::reconcile::PlanError;
use crate::runner::start::StartError;
use crate::runner::stop::StopError;
use crate::runner::together::TogetherError;
use crate::system::process::program::ProgramError;
use crate::system::store::index::IndexError;
use crate::system::store::state_dir::StateDirError;
use crate::system::tmux::TmuxError;
use crate::tasks::FindError;

/// Wrong usage, a bad manifest, an unknown name.
pub(crate) const USAGE: u8 = 2;
/// The command could not do what it was asked.
pub(crate) const FAILED: u8 = 1;
/// `dispatch` itself failed before the agent could.
pub(crate) const OURS: u8 = 125;

/// What is told to the user, and the exit code.
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
    pub(crate) fn report(self, meant: &Meant) -> ExitCode {
        let err = output::stderr(meant);
        err.problems(&self.problems);
        if !self.message.is_empty() {
            err.error(&self.message);
        }
        for hint in &self.hints {
            err.hint(hint);
        }
        ExitCode::from(self.code)
    }

    /// An error with its causes on one line.
    fn chain(code: u8, error: &dyn Error) -> Self {
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
        Self::new(code, message)
    }
}

fn nearest_hint(nearest: Option<&str>) -> Option<String> {
    nearest.map(|name| format!("did you mean `{name}`?"))
}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotFound { ref folder } => Self::new(USAGE, error.to_string())
                .hint(format!("`dispatch init` writes a starter `{MANIFEST_NAME}` into `{}`", folder.display())),
            OpenError::Problems { problems } => {
                Self { message: frames::summary(&problems), problems, hints: Vec::new(), code: USAGE }
            }
        }
    }
}

impl From<NameLookupError> for CliError {
    fn from(error: NameLookupError) -> Self {
        let message = error.to_string();
        match error {
            NameLookupError::InvalidMode(_) => {
                Self::new(USAGE, message).hint("a mode is `[A-Za-z0-9_][A-Za-z0-9_-]*`, at most 64 characters")
            }
            NameLookupError::UnknownMode { nearest, known, .. } => {
                let hint =
                    nearest_hint(nearest.as_deref()).unwrap_or_else(|| format!("there are: {}", known.join(", ")));
                Self::new(USAGE, message).hint(hint)
            }
            NameLookupError::Task(error) => error.into(),
        }
    }
}

impl From<FindError> for CliError {
    fn from(error: FindError) -> Self {
        let found = Self::new(USAGE, error.to_string());
        match error {
            FindError::Unknown { nearest, .. } => {
                found.hint(nearest_hint(nearest.as_deref()).unwrap_or_else(|| "`dispatch tasks` lists them".to_owned()))
            }
            FindError::AmbiguousOverview { ids } => {
                found.hint(format!("name one: {}", ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))
            }
            FindError::Damaged { paths, .. } => {
                paths.iter().fold(found, |found, path| found.hint(format!("see `{}`", path.display())))
            }
            FindError::InvalidName(_) => found.hint("a task id is `[A-Za-z0-9_][A-Za-z0-9_-]*`, at most 64 characters"),
        }
    }
}

impl From<PrepareError> for CliError {
    fn from(error: PrepareError) -> Self {
        let message = error.to_string();
        match error {
            PrepareError::Name(error) => error.into(),
            PrepareError::Problem(problem) => {
                Self { message: String::new(), problems: vec![*problem], hints: Vec::new(), code: USAGE }
            }
            PrepareError::Program { source: ProgramError::NotFound { .. }, .. } => Self::new(127, message)
                .hint("install it, or put its folder on PATH; `dispatch doctor` checks all agents"),
            PrepareError::Program { source: ProgramError::NotExecutable(path), .. } => {
                Self::new(126, message).hint(format!("chmod +x {}", output::quote(&path.display().to_string())))
            }
            PrepareError::MissingWorktree { path, branch, base, .. } => {
                let path = output::quote(&path.display().to_string());
                Self::new(USAGE, message)
                    .hint(format!("git worktree add {path} -b {} {}", output::quote(&branch), output::quote(&base)))
                    .hint("or set `worktree: { create: true }`")
            }
            PrepareError::NotAWorktree(_) => {
                Self::new(USAGE, message).hint("move the folder away; nothing in it was touched")
            }
            PrepareError::ArgumentTooLong { .. } => {
                Self::new(USAGE, message).hint("let the agent read it: `prompt: stdin` or `prompt: file`")
            }
            PrepareError::NoProcessLimit => Self::new(USAGE, message)
                .hint("remove `limits.processes`, or run under a delegated cgroup; see `dispatch doctor`"),
            _ => Self::new(USAGE, message),
        }
    }
}

impl From<TogetherError> for CliError {
    fn from(error: TogetherError) -> Self {
        let message = error.to_string();
        match error {
            TogetherError::Prepare(error) => error.into(),
            TogetherError::Circle(_) => Self::new(USAGE, message).hint("`dispatch check` shows every circle"),
            TogetherError::NothingToResume(pair) => {
                Self::new(FAILED, message).hint(format!("`dispatch run {pair}` begins one"))
            }
        }
    }
}

impl From<PlanError> for CliError {
    fn from(error: PlanError) -> Self {
        let message = error.to_string();
        match error {
            PlanError::Problems(problems) => {
                Self { message: frames::summary(&problems), problems, hints: Vec::new(), code: USAGE }
            }
            PlanError::Circle(_) => Self::new(USAGE, message).hint("`dispatch check` shows every circle"),
            PlanError::Index(error) => error.into(),
        }
    }
}

impl From<ApplyError> for CliError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Prepare(error) => error.into(),
            ApplyError::Start(error) => error.into(),
            ApplyError::Stop(error) => error.into(),
            other @ (ApplyError::Gone | ApplyError::After(_)) => Self::new(FAILED, other.to_string()),
        }
    }
}

impl From<ApproveError> for CliError {
    fn from(error: ApproveError) -> Self {
        match error {
            ApproveError::NotWaiting(ref pair) => {
                Self::new(FAILED, error.to_string()).hint(format!("`dispatch status {pair}` says where it stands"))
            }
            ApproveError::Index(error) => error.into(),
            ApproveError::Start(error) => error.into(),
            ApproveError::Io(_) => Self::chain(FAILED, &error),
        }
    }
}

impl From<StartError> for CliError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Differs { ref run, .. } => Self::new(FAILED, error.to_string()).hint(format!(
                "`dispatch stop {}` first, or leave the prompt and arguments out to join it",
                run.pair()
            )),
            StartError::Unknown { .. } => {
                Self::new(OURS, error.to_string()).hint("nothing was started, since that could start it twice")
            }
            StartError::Tmux(error) => error.into(),
            StartError::Index(error) => error.into(),
            other => Self::chain(OURS, &other),
        }
    }
}

impl From<StopError> for CliError {
    fn from(error: StopError) -> Self {
        match error {
            StopError::Tmux(error) => error.into(),
            StopError::Index(error) => error.into(),
            other => Self::chain(FAILED, &other),
        }
    }
}

impl From<FollowError> for CliError {
    fn from(error: FollowError) -> Self {
        Self::chain(OURS, &error)
    }
}

impl From<PruneError> for CliError {
    fn from(error: PruneError) -> Self {
        Self::chain(FAILED, &error)
    }
}

impl From<TmuxError> for CliError {
    fn from(error: TmuxError) -> Self {
        // What the machine lacks is told as wrong usage is: nothing was started.
        let code = if matches!(error, TmuxError::NotFound | TmuxError::TooOld { .. }) { USAGE } else { OURS };
        let found = Self::new(code, error.to_string());
        match error {
            TmuxError::NotFound => found.hint("install tmux 3.2 or newer; headless modes work without it"),
            TmuxError::TooOld { .. } => found.hint("headless modes work without it"),
            _ => found,
        }
    }
}

impl From<StateDirError> for CliError {
    fn from(error: StateDirError) -> Self {
        let found = Self::chain(USAGE, &error);
        match &error {
            StateDirError::Writable { path, .. } => {
                found.hint(format!("chmod 700 {}", output::quote(&path.display().to_string())))
            }
            StateDirError::Owner { .. } | StateDirError::NotAFolder(_) => {
                found.hint("set `state_dir` in the manifest to a folder of your own")
            }
            StateDirError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                found.hint("make it writable for you, or set `state_dir` in the manifest")
            }
            StateDirError::Io { .. } => found.hint("`dispatch doctor` looks closer"),
        }
    }
}

impl From<IndexError> for CliError {
    fn from(error: IndexError) -> Self {
        Self::chain(OURS, &error).hint("the run folders are the record: deleting `dispatch.db` has it rebuilt")
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::chain(FAILED, &error)
    }
}
