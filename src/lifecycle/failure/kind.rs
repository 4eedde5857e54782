//! What sorts of failure there are.

use serde::{Deserialize, Serialize};

/// What sort of failure: a front end chooses its exit code or status by this alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    InvalidName,
    UnknownMode,
    UnknownTask,
    NeverRun,
    /// A mistake in the manifest, a template or a task file, or no manifest at all.
    BadManifest,
    Usage,
    /// It runs already, and was asked for with other words; or there is nothing to go on in.
    Conflict,
    NotWaiting,
    /// The file was changed since it was read.
    Stale,
    /// No file that can be read or written through us.
    UnknownFile,
    AgentNotFound,
    AgentNotExecutable,
    /// The state folder cannot be used.
    StateFolder,
    /// tmux is missing or too old.
    Tmux,
    /// Its state is unknown, or what could tell it does not answer.
    Unseen,
    /// Others are at it, and it takes too long.
    Busy,
    /// It was done, as far as anybody can tell, and what should show it does not.
    Unconfirmed,
    Failed,
    Internal,
}

impl Kind {
    /// As JSON names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidName => "invalid_name",
            Self::UnknownMode => "unknown_mode",
            Self::UnknownTask => "unknown_task",
            Self::NeverRun => "never_run",
            Self::BadManifest => "bad_manifest",
            Self::Usage => "usage",
            Self::Conflict => "conflict",
            Self::NotWaiting => "not_waiting",
            Self::Stale => "stale",
            Self::UnknownFile => "unknown_file",
            Self::AgentNotFound => "agent_not_found",
            Self::AgentNotExecutable => "agent_not_executable",
            Self::StateFolder => "state_folder",
            Self::Tmux => "tmux",
            Self::Unseen => "unseen",
            Self::Busy => "busy",
            Self::Unconfirmed => "unconfirmed",
            Self::Failed => "failed",
            Self::Internal => "internal",
        }
    }
}
