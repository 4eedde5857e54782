//! The kinds of failure.

use serde::{Deserialize, Serialize};

/// A front end derives its exit code or status from the kind alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    InvalidName,
    UnknownMode,
    UnknownTask,
    NeverRun,
    /// A mistake in the manifest, a template or a task file, or no manifest.
    BadManifest,
    Usage,
    /// The run is active with a different request, or there is no conversation to resume.
    Conflict,
    NotWaiting,
    /// The file was changed since the caller read it.
    Stale,
    /// A file that this program does not read or write for callers.
    UnknownFile,
    AgentNotFound,
    AgentNotExecutable,
    /// The state folder is unusable.
    StateFolder,
    Tmux,
    /// An engine refused a job or did not answer.
    Engine,
    /// The state of the run is unknown, or its source does not answer.
    Unseen,
    /// Other processes hold the resource for too long.
    Busy,
    /// The action was probably done, but its expected evidence is missing.
    Unconfirmed,
    Failed,
    Internal,
}

impl Kind {
    /// The name in JSON.
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
            Self::Engine => "engine",
            Self::Unseen => "unseen",
            Self::Busy => "busy",
            Self::Unconfirmed => "unconfirmed",
            Self::Failed => "failed",
            Self::Internal => "internal",
        }
    }
}
