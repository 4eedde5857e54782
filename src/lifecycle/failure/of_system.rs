//! Failures of git, tmux, the file system and records.

use std::io;
use std::path::Path;

use crate::lifecycle::failure::{Failure, Kind, quote};
use crate::lifecycle::open_file::OpenFileError;
use crate::lifecycle::worktree::work::WorkError;
use crate::manifest::LOCAL_NAME;
use crate::os::git::GitError;
use crate::os::tmux::{FLOOR, TmuxError};
use crate::store::index::IndexError;
use crate::store::record_file::RecordError;
use crate::store::state_dir::StateDirError;

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
            WorkError::NoBranch { task, .. } => {
                Self::new(Kind::Conflict, message).hint(format!("`dispatch run MODE {task}` begins the work"))
            }
            WorkError::Conflict { branch, base, path, .. } if path.exists() => {
                let path = quote(&path.display().to_string());
                let found = Self::new(Kind::Conflict, message).hint(format!("git -C {path} merge {}", quote(&base)));
                found.hint(format!("then commit what you resolved there, and merge `{branch}` again"))
            }
            WorkError::Conflict { branch, base, .. } => Self::new(Kind::Conflict, message).hint(format!(
                "git switch {} && git merge {}",
                quote(&branch),
                quote(&base)
            )),
            WorkError::CheckFailed { folder, words, .. } => Self::new(Kind::Failed, message).hint(format!(
                "cd {} && {}",
                quote(&folder.display().to_string()),
                shell_words::join(words)
            )),
            WorkError::Unchecked { task, .. } => {
                Self::new(Kind::Conflict, message).hint(format!("dispatch merge {task}"))
            }
            WorkError::NoGh { commands } => {
                commands.into_iter().fold(Self::new(Kind::Failed, message), |found, command| found.hint(command))
            }
            WorkError::Gh { .. } => {
                Self::new(Kind::Failed, message).hint("`gh auth status` says whether it is logged in")
            }
            WorkError::NoTitle(_) => Self::new(Kind::Usage, message).hint("write `{{ task.title }}` as its first line"),
            WorkError::Refused { against, .. }
            | WorkError::MergeRefused { against, .. }
            | WorkError::PullRequestRefused { against, .. } => {
                let found = Self::new(Kind::Conflict, message);
                against.iter().fold(found, |found, objection| found.hint(objection.fix()))
            }
        }
    }
}

impl From<OpenFileError> for Failure {
    fn from(error: OpenFileError) -> Self {
        let message = error.to_string();
        let found = Self::new(Kind::Usage, message.clone());
        let example = "editor: \"code --goto {{ file }}:{{ line }}\"";
        match error {
            OpenFileError::NotOurs => Self::new(Kind::UnknownFile, message),
            OpenFileError::NoEditor | OpenFileError::BadVariable { .. } => {
                found.hint(format!("write `{example}` into `{LOCAL_NAME}`"))
            }
            OpenFileError::NoTerminal { .. } => {
                found.hint(format!("set an editor that has a window of its own (`{example}`), or `terminal:`"))
            }
            OpenFileError::Program(_) | OpenFileError::Start { .. } | OpenFileError::Failed { .. } => found.hint(
                "the server starts it, with the `PATH` and the screen that the server has; `editor:` sets another",
            ),
        }
    }
}

impl From<TmuxError> for Failure {
    fn from(error: TmuxError) -> Self {
        let message = error.to_string();
        match error {
            // The machine lacks tmux: nothing was started.
            TmuxError::NotFound => Self::new(Kind::Tmux, message)
                .hint(format!("install tmux {FLOOR} or newer; headless modes work without it")),
            TmuxError::TooOld { .. } => Self::new(Kind::Tmux, message).hint("headless modes work without it"),
            TmuxError::Unknown { .. } => Self::new(Kind::Unseen, message),
            _ => Self::new(Kind::Internal, message),
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
            return Self::chain(Kind::Busy, &error).hint(
                "`ps -C dispatch -o pid,stat,args` shows which process holds it; a process in state T is stopped",
            );
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
