//! The states of a run (see `docs/states.md`).

use serde::{Deserialize, Serialize};

/// Where a run stands. Each variant holds only what is true in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    Queued(WaitingFor),
    Starting,
    Running,
    Stopping,
    Ended(EndState),
    /// It cannot be determined: nothing is started or killed for it.
    Unknown(UnknownWhy),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndState {
    Succeeded,
    Failed,
    TimedOut,
    Stopped,
    Lost,
    DependencyFailed,
}

/// What a queued run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    Slot,
    Need,
    Gate,
    Retry,
    Budget,
    Folder,
    /// The handed-over environment is gone (a reboot): it waits to be run again.
    Environment,
}

/// Why a run cannot be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownWhy {
    /// tmux did not answer, with its words.
    Tmux(String),
    /// The record was made on another host or in another pid namespace.
    OtherHost(String),
    /// The folder is a copy: its device or inode differ from the record's.
    Foreign,
    /// The record is damaged or newer than this program.
    Unreadable(String),
}

impl RunState {
    pub fn is_active(&self) -> bool {
        !matches!(self, Self::Ended(_))
    }

    /// The word of the contract.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Queued(_) => "queued",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Ended(end) => end.as_str(),
            Self::Unknown(_) => "unknown",
        }
    }
}

impl EndState {
    pub const ALL: [Self; 6] =
        [Self::Succeeded, Self::Failed, Self::TimedOut, Self::Stopped, Self::Lost, Self::DependencyFailed];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
            Self::DependencyFailed => "dependency_failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl WaitingFor {
    pub const ALL: [Self; 7] =
        [Self::Slot, Self::Need, Self::Gate, Self::Retry, Self::Budget, Self::Folder, Self::Environment];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|waiting| waiting.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Slot => "slot",
            Self::Need => "need",
            Self::Gate => "gate",
            Self::Retry => "retry",
            Self::Budget => "budget",
            Self::Folder => "folder",
            Self::Environment => "environment",
        }
    }
}

impl UnknownWhy {
    pub fn reason(&self) -> String {
        match self {
            Self::Tmux(words) => format!("tmux does not answer: {words}"),
            Self::OtherHost(host) => format!("started on `{host}`, which cannot be seen from here"),
            Self::Foreign => "foreign: the state folder is a copy of another one".to_owned(),
            Self::Unreadable(why) => format!("its record cannot be read: {why}"),
        }
    }
}
