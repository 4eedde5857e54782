//! Why a run cannot be prepared.

use std::path::PathBuf;

use crate::lifecycle::launch::prompt;
use crate::lifecycle::project::NameLookupError;
use crate::model::names::{Pair, TaskId};
use crate::model::problem::Problem;
use crate::model::run_form::RunForm;
use crate::model::run_id::RunId;
use crate::os::git::GitError;
use crate::os::process::program::ProgramError;
use crate::store::run_folder::MAX_PROMPT;

/// Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error(transparent)]
    Name(#[from] NameLookupError),
    /// A mistake in a template, a task file or the manifest.
    #[error("{}", .0.message)]
    Problem(Box<Problem>),
    #[error("the agent of mode `{mode}` cannot be started: {source}")]
    Program { mode: String, source: ProgramError },
    #[error("the agent `{agent}` has no `{}` form, which mode `{mode}` needs", .form.as_str())]
    AgentForm { mode: String, agent: String, form: RunForm },
    #[error("the folder `{}` does not exist", .0.display())]
    MissingFolder(PathBuf),
    #[error("the worktree `{}` of task `{task}` does not exist", .path.display())]
    MissingWorktree { task: TaskId, path: PathBuf, branch: String, base: String },
    #[error("`{0}` (`worktree.branch`) is not the name of a branch")]
    NotABranch(String),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error("the folder `{}` of run `{run}` does not exist, and its conversation cannot go on elsewhere", .folder.display())]
    ResumedFolderGone { run: RunId, folder: PathBuf, pair: Pair, restore: Option<String> },
    #[error("`{}` is not a git worktree", .0.display())]
    NotAWorktree(PathBuf),
    #[error("`worktree:` needs a git repository, and `{}` is in none", .0.display())]
    NoRepository(PathBuf),
    #[error("`{field}` leads out of the run's working directory: `{}`", .path.display())]
    LeadsOut { field: &'static str, path: PathBuf },
    #[error("the {what} holds a NUL byte")]
    Nul { what: &'static str },
    #[error("the prompt is {bytes} bytes long; at most {MAX_PROMPT} are allowed")]
    PromptTooLong { bytes: usize },
    #[error("the prompt is {bytes} bytes long, and one argument holds at most {}", prompt::MAX_ARGUMENT - 1)]
    ArgumentTooLong { bytes: usize },
    #[error("`{option}` is for headless modes, and `{mode}` is interactive")]
    HeadlessOnly { option: &'static str, mode: String },
    #[error("there is no template variable `{name}`")]
    UnknownVariable { name: String, nearest: Option<String>, known: Vec<String> },
    #[error("`--model` needs the name of a model")]
    EmptyModel,
    #[error("agent `{agent}` of mode `{mode}` takes no model: it has no `model:`")]
    NoModel { mode: String, agent: String },
    #[error("the agent of mode `{mode}` has no conversation to resume")]
    CannotResume { mode: String },
    #[error("a limit on processes needs a cgroup, and none can be had here")]
    NoProcessLimit,
}

impl From<Problem> for PrepareError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}
