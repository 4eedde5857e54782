//! Each error of the house as a failure: its kind, its words, its cures.

use std::io;
use std::path::Path;

use crate::agent::Delivered;
use crate::manifest::discover::{self, MANIFEST_NAME};
use crate::model::message::MessageError;
use crate::runner::apply::ApplyError;
use crate::runner::approve::ApproveError;
use crate::runner::asked::AskError;
use crate::runner::beginning::BeginError;
use crate::runner::failure::{Failure, Kind};
use crate::runner::follow::FollowError;
use crate::runner::prepare::PrepareError;
use crate::runner::project::{NameLookupError, OpenError};
use crate::runner::prune::PruneError;
use crate::runner::reconcile::PlanError;
use crate::runner::send::SendError;
use crate::runner::served::ServeError;
use crate::runner::show_window::ShowError;
use crate::runner::start::StartError;
use crate::runner::stop::StopError;
use crate::runner::terminal::TerminalError;
use crate::runner::together::TogetherError;
use crate::runner::window::WindowError;
use crate::runner::work::WorkError;
use crate::system::git::GitError;
use crate::system::process::program::ProgramError;
use crate::system::store::index::IndexError;
use crate::system::store::record_file::RecordError;
use crate::system::store::state_dir::StateDirError;
use crate::system::tmux::TmuxError;
use crate::tasks::FindError;

fn nearest_hint(nearest: Option<&str>) -> Option<String> {
    nearest.map(|name| format!("did you mean `{name}`?"))
}

/// A word as a shell would need it written.
fn quote(word: &str) -> String {
    shell_words::quote(word).into_owned()
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
            PrepareError::ResumedFolderGone { folder, pair, to_make, .. } => {
                let to_make = to_make.unwrap_or_else(|| format!("mkdir -p {}", quote(&folder.display().to_string())));
                Self::new(Kind::Usage, message)
                    .hint(format!("to go on, make the folder again: {to_make}"))
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
            PrepareError::NoProcessLimit => Self::new(Kind::Usage, message)
                .hint("remove `limits.processes`, or run under a delegated cgroup; see `dispatch doctor`"),
            _ => Self::new(Kind::Usage, message),
        }
    }
}

impl From<GitError> for Failure {
    fn from(error: GitError) -> Self {
        let found = Self::new(Kind::Usage, error.to_string());
        let quote = |path: &Path| quote(&path.display().to_string());
        match error {
            GitError::NoBase { .. } => found.hint("set `worktree.base` to a branch that is there"),
            GitError::NoCommit(folder) => {
                found.hint(format!("git -C {} commit --allow-empty -m start", quote(&folder)))
            }
            GitError::Occupied(_) | GitError::OtherRepository(_) => {
                found.hint("move the folder away; nothing in it was touched")
            }
            GitError::CheckedOut { at, .. } => {
                found.hint(format!("git -C {} switch --detach; or set `worktree.branch`", quote(&at)))
            }
            GitError::Repository(error) => found.hint(error.fix()),
            _ => found,
        }
    }
}

impl From<TogetherError> for Failure {
    fn from(error: TogetherError) -> Self {
        let message = error.to_string();
        match error {
            TogetherError::Prepare(error) => error.into(),
            TogetherError::Circle(_) => {
                Self::new(Kind::BadManifest, message).hint("`dispatch check` shows every circle")
            }
            TogetherError::NothingToResume(pair) => {
                Self::new(Kind::Conflict, message).hint(format!("`dispatch run {pair}` begins one"))
            }
            TogetherError::NoConversation(_) => {
                Self::new(Kind::Conflict, message).hint("`dispatch history` shows past runs")
            }
            TogetherError::StillTalks(_) => Self::new(Kind::Conflict, message),
            TogetherError::OneConversation => Self::new(Kind::Usage, message).hint("name one task"),
        }
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        match error {
            AskError::NoneBelow(_) => Self::new(Kind::Usage, error.to_string()).hint("`dispatch tasks` shows the tree"),
            AskError::Name(error) => error.into(),
            AskError::State(error) => error.into(),
            AskError::Together(error) => error.into(),
        }
    }
}

impl From<BeginError> for Failure {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::After { .. } => Self::new(Kind::Failed, error.to_string()),
            BeginError::Start(error) => error.into(),
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

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Prepare(error) => error.into(),
            ApplyError::Start(error) => error.into(),
            ApplyError::Stop(error) => error.into(),
            other @ (ApplyError::Gone | ApplyError::After(_)) => Self::new(Kind::Failed, other.to_string()),
        }
    }
}

impl From<ApproveError> for Failure {
    fn from(error: ApproveError) -> Self {
        match error {
            ApproveError::NotWaiting(ref pair) => Self::new(Kind::NotWaiting, error.to_string())
                .hint(format!("`dispatch status {pair}` says where it stands")),
            ApproveError::Index(error) => error.into(),
            ApproveError::Start(error) => error.into(),
            ApproveError::Io(_) => Self::chain(Kind::Failed, &error),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Differs { ref run, .. } => Self::new(Kind::Conflict, error.to_string()).hint(format!(
                "`dispatch stop {}` first, or leave the prompt and arguments out to join it",
                run.pair()
            )),
            StartError::Unknown { .. } => {
                Self::new(Kind::Unseen, error.to_string()).hint("nothing was started, since that could start it twice")
            }
            StartError::Tmux(error) => error.into(),
            StartError::Index(error) => error.into(),
            StartError::FolderGone(_) => {
                Self::new(Kind::Failed, error.to_string()).hint("run it again: its worktree was taken away just now")
            }
            StartError::Busy { holder: Some(ref holder) } => {
                Self::new(Kind::Busy, error.to_string()).hint(holder.fix())
            }
            StartError::Busy { holder: None } => Self::chain(Kind::Busy, &error),
            StartError::Orphan { ref pair, ref orphan } => {
                let found = Self::new(Kind::Conflict, error.to_string());
                match orphan.pair {
                    Some(_) => found.hint(format!("dispatch stop {pair}")),
                    None => found.hint("dispatch stop --all"),
                }
            }
            StartError::NoGreaterId { ref last, ref index, ref lock } => {
                let all = [last, index, lock].map(|path| quote(&path.display().to_string())).join(" ");
                Self::new(Kind::Failed, error.to_string()).hint(format!("rm -r {all}"))
            }
            other => Self::chain(Kind::Internal, &other),
        }
    }
}

impl From<StopError> for Failure {
    fn from(error: StopError) -> Self {
        match error {
            StopError::Tmux(error) => error.into(),
            StopError::Index(error) => error.into(),
            StopError::Held { holder: Some(ref holder), .. } => {
                Self::new(Kind::Failed, error.to_string()).hint(holder.fix())
            }
            other => Self::chain(Kind::Failed, &other),
        }
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Self {
        let kind = if matches!(error, FollowError::Unknown { .. }) { Kind::Unseen } else { Kind::Internal };
        Self::chain(kind, &error)
    }
}

impl From<WorkError> for Failure {
    fn from(error: WorkError) -> Self {
        let message = error.to_string();
        match error {
            WorkError::Prepare(error) => error.into(),
            WorkError::State(error) => error.into(),
            WorkError::Index(error) => error.into(),
            WorkError::Git(error @ GitError::NoBase { .. }) => error.into(),
            WorkError::Git(_) | WorkError::Io(_) => Self::chain(Kind::Failed, &error),
            WorkError::NoWorktrees => {
                Self::new(Kind::Usage, message).hint("worktree: { path: \"../trees/{{ task.id }}\", create: true }")
            }
            WorkError::Several { .. } => Self::new(Kind::Usage, message).hint("be in the one that is meant"),
            WorkError::Missing { task, .. } => {
                Self::new(Kind::Conflict, message).hint(format!("`dispatch run MODE {task}` begins the work"))
            }
            WorkError::NotOurs(_) => Self::new(Kind::Conflict, message),
            WorkError::Refused { against, .. } => {
                let found = Self::new(Kind::Conflict, message);
                against.iter().fold(found, |found, objection| found.hint(objection.fix()))
            }
        }
    }
}

impl From<PruneError> for Failure {
    fn from(error: PruneError) -> Self {
        Self::chain(Kind::Failed, &error)
    }
}

impl From<TmuxError> for Failure {
    fn from(error: TmuxError) -> Self {
        let message = error.to_string();
        match error {
            // What the machine lacks: nothing was started.
            TmuxError::NotFound => {
                Self::new(Kind::Tmux, message).hint("install tmux 3.2 or newer; headless modes work without it")
            }
            TmuxError::TooOld { .. } => Self::new(Kind::Tmux, message).hint("headless modes work without it"),
            TmuxError::Unknown { .. } => Self::new(Kind::Unseen, message),
            _ => Self::new(Kind::Internal, message),
        }
    }
}

impl From<WindowError> for Failure {
    fn from(error: WindowError) -> Self {
        match error {
            WindowError::Tmux(error) => error.into(),
            WindowError::Unknown { .. } => Self::new(Kind::Unseen, error.to_string()),
            other => Self::new(Kind::Conflict, other.to_string()),
        }
    }
}

impl From<ShowError> for Failure {
    fn from(error: ShowError) -> Self {
        match error {
            ShowError::Window(error) => error.into(),
            other => Self::chain(Kind::Failed, &other),
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

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        let message = error.to_string();
        let (pair, came) = match error {
            SendError::Window(error) => return error.into(),
            SendError::Io(error) => return error.into(),
            SendError::Index(error) => return error.into(),
            SendError::Blank { .. } => return Self::new(Kind::Usage, message),
            SendError::InputOff { enable, .. } => return Self::new(Kind::Conflict, message).hint(enable),
            SendError::NotSent { pair, came } => (pair, came),
        };
        let kind = match came {
            Delivered::Asks(_) | Delivered::Draft | Delivered::NoInput | Delivered::NotUp => Kind::Conflict,
            _ => Kind::Unconfirmed,
        };
        Self::new(kind, message).hint(format!("dispatch attach {pair}"))
    }
}

impl From<TerminalError> for Failure {
    fn from(error: TerminalError) -> Self {
        match error {
            TerminalError::Window(error) => error.into(),
            other => Self::chain(Kind::Internal, &other),
        }
    }
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Taken(_) => {
                Self::new(Kind::Failed, error.to_string()).hint("`dispatch token` prints its token")
            }
            other => Self::chain(Kind::Failed, &other),
        }
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Self::chain(Kind::Failed, &error)
    }
}

impl From<StateDirError> for Failure {
    fn from(error: StateDirError) -> Self {
        let kind = match &error {
            StateDirError::Io { source, .. } if source.kind() != io::ErrorKind::PermissionDenied => Kind::Internal,
            _ => Kind::StateFolder,
        };
        let found = Self::chain(kind, &error);
        match &error {
            StateDirError::Writable { path, .. } => {
                found.hint(format!("chmod 700 {}", quote(&path.display().to_string())))
            }
            StateDirError::Owner { .. } | StateDirError::NotAFolder(_) | StateDirError::Checkout(_) => {
                found.hint("set `state_dir` in the manifest to a folder of your own")
            }
            StateDirError::Older { folder, .. } => found.hint(format!(
                "wait until it has ended, or run `dispatch -C {} stop --all`",
                quote(&folder.display().to_string())
            )),
            StateDirError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                found.hint("make it writable for you, or set `state_dir` in the manifest")
            }
            StateDirError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                found.hint("make room; `dispatch prune` deletes old runs")
            }
            StateDirError::Io { .. } => found.hint("`dispatch doctor` looks closer"),
        }
    }
}

impl From<IndexError> for Failure {
    fn from(error: IndexError) -> Self {
        if error.is_locked() {
            return Self::chain(Kind::Busy, &error)
                .hint("`ps -C dispatch -o pid,stat,args` shows who has it; a process in state T is stopped");
        }
        Self::chain(Kind::Internal, &error)
            .hint("the run folders are the record: deleting `dispatch.db` has it rebuilt")
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::chain(Kind::Failed, &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::{ModeName, Pair, TaskId};
    use crate::model::problem::Problem;

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
