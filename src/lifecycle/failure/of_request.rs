//! Failures of requests and of files that cannot be used.

use crate::lifecycle::failure::{Failure, Kind, quote};
use crate::lifecycle::launch::batch::BatchError;
use crate::lifecycle::launch::prepare::PrepareError;
use crate::lifecycle::project::{NameLookupError, OpenError};
use crate::lifecycle::reconcile::PlanError;
use crate::lifecycle::task_files::TaskWriteError;
use crate::manifest::discover::{self, MANIFEST_NAME};
use crate::model::message::MessageError;
use crate::os::process::program::ProgramError;
use crate::os::text_file::TextFileError;
use crate::tasks::FindError;

fn nearest_hint(nearest: Option<&str>) -> Option<String> {
    nearest.map(|name| format!("did you mean `{name}`?"))
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NotFound { ref folder } => {
                let found = Self::new(Kind::BadManifest, error.to_string());
                match discover::find_misnamed(folder) {
                    Some(path) => {
                        let right = path.with_file_name(MANIFEST_NAME).display().to_string();
                        let wrong = path.display().to_string();
                        found.hint(format!("the file must have another name: mv {} {}", quote(&wrong), quote(&right)))
                    }
                    None => found.hint(format!(
                        "`dispatch init` writes a starter `{MANIFEST_NAME}` into `{}`",
                        folder.display()
                    )),
                }
            }
            OpenError::Repository(error) => Self::new(Kind::BadManifest, error.to_string()).hint(error.fix()),
            OpenError::Problems { problems } => Self::of_problems(problems),
        }
    }
}

impl From<NameLookupError> for Failure {
    fn from(error: NameLookupError) -> Self {
        let message = error.to_string();
        match error {
            NameLookupError::InvalidMode(_) => Self::new(Kind::InvalidName, message)
                .hint("a mode is `[A-Za-z0-9_][A-Za-z0-9_-]*`, at most 64 characters"),
            NameLookupError::UnknownMode { nearest, known, .. } => {
                let hint =
                    nearest_hint(nearest.as_deref()).unwrap_or_else(|| format!("there are: {}", known.join(", ")));
                Self::new(Kind::UnknownMode, message).hint(hint)
            }
            NameLookupError::Task(error) => error.into(),
        }
    }
}

impl From<TaskWriteError> for Failure {
    fn from(error: TaskWriteError) -> Self {
        let message = error.to_string();
        let found = Self::new(Kind::Failed, message.clone());
        match error {
            TaskWriteError::NoFile { path, line, can_have_status: true, .. } => {
                found.hint(format!("edit {}:{line}, for example to `status: done`", path.display()))
            }
            TaskWriteError::NoFile { path, line, .. } => {
                found.hint(format!("edit {}:{line}; a subtask file keeps no status", path.display()))
            }
            TaskWriteError::Entangled { path, line, spelled, .. } => {
                found.hint(format!("edit {}:{line} to `{spelled}`", path.display()))
            }
            TaskWriteError::Unreadable(_) => found.hint("dispatch check"),
            TaskWriteError::NoTitle => Self::new(Kind::Usage, message).hint("dispatch task new WORDS OF THE TITLE"),
            TaskWriteError::Id(_) => Self::new(Kind::InvalidName, message)
                .hint("an id has letters, digits, `_`, `-` and dots inside, at most 64 characters"),
            TaskWriteError::Taken { .. } => Self::new(Kind::Conflict, message).hint("leave `--id` out for a free one"),
            TaskWriteError::NoFiles => Self::new(Kind::Usage, message).hint("tasks: [{ files: \"tasks/**/*.md\" }]"),
            TaskWriteError::Unlisted(_) => {
                Self::new(Kind::Usage, message).hint("`--like TASK` takes the folder and the name of a task's file")
            }
            TaskWriteError::Text { source: TextFileError::Exists, .. } => Self::new(Kind::Conflict, message)
                .hint("another file has this name; give the task an id by `--id`, or another title"),
            TaskWriteError::Text { .. } => found,
            TaskWriteError::Find(error) => error.into(),
            TaskWriteError::State(error) => error.into(),
            TaskWriteError::Io(_) => Self::chain(Kind::Failed, &error),
        }
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Self {
        let message = error.to_string();
        match error {
            FindError::Unknown { nearest, .. } => Self::new(Kind::UnknownTask, message)
                .hint(nearest_hint(nearest.as_deref()).unwrap_or_else(|| "`dispatch tasks` lists them".to_owned())),
            FindError::AmbiguousPath { tasks, .. } => Self::new(Kind::UnknownTask, message)
                .hint(format!("name one by its id, or by more of its path: {}", tasks.join(", "))),
            FindError::NoFile { .. } => Self::new(Kind::UnknownTask, message).hint("`dispatch tasks` lists them"),
            FindError::AmbiguousOverview { ids } => Self::new(Kind::UnknownTask, message)
                .hint(format!("name one: {}", ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))),
            FindError::Damaged { problem: Some(problem), .. } => {
                Self { message, ..Self::of_problem(Kind::BadManifest, *problem) }
            }
            FindError::Damaged { paths, problem: None, .. } => {
                let found = Self::new(Kind::BadManifest, message);
                paths.iter().fold(found, |found, path| found.hint(format!("see `{}`", path.display())))
            }
            FindError::InvalidName(_) => Self::new(Kind::InvalidName, message)
                .hint("a task id is letters, digits, `_`, `-` and dots inside, at most 64 characters: `TASK-1.2`"),
        }
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        let message = error.to_string();
        match error {
            PrepareError::Name(error) => error.into(),
            PrepareError::Problem(problem) => Self::of_problem(Kind::BadManifest, *problem),
            PrepareError::Program { source: ProgramError::NotFound { .. }, .. } => {
                Self::new(Kind::AgentNotFound, message)
                    .hint("install it, or put its folder on PATH; `dispatch doctor` checks all agents")
            }
            PrepareError::Program { source: ProgramError::NotExecutable(path), .. } => {
                Self::new(Kind::AgentNotExecutable, message)
                    .hint(format!("chmod +x {}", quote(&path.display().to_string())))
            }
            PrepareError::MissingWorktree { path, branch, base, .. } => {
                let path = quote(&path.display().to_string());
                Self::new(Kind::Usage, message)
                    .hint(format!("git worktree add {path} -b {} {}", quote(&branch), quote(&base)))
                    .hint("or set `worktree: { create: true }`")
            }
            PrepareError::NotABranch(_) => Self::new(Kind::Usage, message)
                .hint("write the short name: `worktree: { branch: \"task/{{ task.id | lower }}\" }`"),
            PrepareError::ResumedFolderGone { folder, pair, restore, .. } => {
                let command = restore.unwrap_or_else(|| format!("mkdir -p {}", quote(&folder.display().to_string())));
                Self::new(Kind::Usage, message)
                    .hint(format!("to go on, make the folder again: {command}"))
                    .hint(format!("to begin a new conversation: dispatch run {pair}"))
            }
            PrepareError::NotAWorktree(_) => {
                Self::new(Kind::Usage, message).hint("move the folder away; nothing in it was touched")
            }
            PrepareError::NoRepository(root) => {
                Self::new(Kind::Usage, message).hint(format!("git init {}", quote(&root.display().to_string())))
            }
            PrepareError::Git(error) => error.into(),
            PrepareError::ArgumentTooLong { .. } => {
                Self::new(Kind::Usage, message).hint("let the agent read it: `prompt: stdin` or `prompt: file`")
            }
            PrepareError::UnknownVariable { nearest, known, .. } => {
                let all = match known.is_empty() {
                    true => "declare it under `vars:` of the manifest".to_owned(),
                    false => format!("there are: {}", known.join(", ")),
                };
                Self::new(Kind::Usage, message).hint(nearest_hint(nearest.as_deref()).unwrap_or(all))
            }
            PrepareError::NoModel { agent, .. } => Self::new(Kind::Usage, message).hint(format!(
                "say how it is named: `agents: {{ {agent}: {{ model: [--model, \"{{{{ model }}}}\"] }} }}`"
            )),
            PrepareError::NoProcessLimit => Self::new(Kind::Usage, message)
                .hint("remove `limits.processes`, or run under a delegated cgroup; see `dispatch doctor`"),
            _ => Self::new(Kind::Usage, message),
        }
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        let message = error.to_string();
        match error {
            BatchError::Prepare(error) => error.into(),
            BatchError::Circle(_) => Self::new(Kind::BadManifest, message).hint("`dispatch check` shows every circle"),
            BatchError::NothingToResume(pair) => {
                Self::new(Kind::Conflict, message).hint(format!("`dispatch run {pair}` begins one"))
            }
            BatchError::NoConversation(_) => {
                Self::new(Kind::Conflict, message).hint("`dispatch history` shows past runs")
            }
            BatchError::StillTalks(_) => Self::new(Kind::Conflict, message),
            BatchError::NoneBelow(_) | BatchError::NotBelow(_) => {
                Self::new(Kind::Usage, message).hint("`dispatch tasks` shows the tree")
            }
            BatchError::Name(error) => error.into(),
            BatchError::State(error) => error.into(),
            BatchError::OneConversation => Self::new(Kind::Usage, message).hint("name one task"),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let message = error.to_string();
        match error {
            PlanError::Problems(problems) => Self::of_problems(problems),
            PlanError::Circle(_) => Self::new(Kind::BadManifest, message).hint("`dispatch check` shows every circle"),
            PlanError::Index(error) => error.into(),
        }
    }
}

impl From<MessageError> for Failure {
    fn from(error: MessageError) -> Self {
        let found = Self::new(Kind::Usage, error.to_string());
        match error {
            MessageError::Control { .. } => found.hint("tabs and newlines are the only control characters of a text"),
            MessageError::TooLong => found.hint("let the agent read a file"),
            MessageError::NotUtf8 { .. } | MessageError::Nothing => found,
        }
    }
}
