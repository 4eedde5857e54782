//! The states of a run (see `docs/states.md`).

use serde::{Deserialize, Serialize};

/// The state of a run, with what is known only in that state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    Queued(WaitingFor),
    Starting,
    Running,
    Stopping,
    Ended(EndState),
    /// It cannot be determined. Nothing is started or killed on its account.
    Unknown(UnknownWhy),
}

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    Slot,
    Need,
    Gate,
    Retry,
    Budget,
    Folder,
    /// It is in the queue of the engine that runs it.
    Engine,
    /// The file with its environment is missing (a reboot): a person must run it again.
    Environment,
}

/// Why the state of a run cannot be determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownWhy {
    /// tmux did not answer; its error text.
    Tmux(String),
    /// tmux answered, and the state of the window is still not known.
    Window(&'static str),
    /// The record was made on another host or in another pid namespace.
    OtherHost(String),
    /// The state folder is a copy: its device or inode differs from the record.
    Foreign,
    /// The record is damaged or newer than this program.
    Unreadable(String),
    /// The engine that runs it did not answer; its error text.
    Engine(String),
    /// Its node has shown no sign of life for too long, and its engine does not report an end.
    SilentNode(Option<String>),
}

impl RunState {
    pub fn is_active(&self) -> bool {
        !matches!(self, Self::Ended(_))
    }

    /// The name in output and JSON.
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
    pub const ALL: [Self; 8] =
        [Self::Slot, Self::Need, Self::Gate, Self::Retry, Self::Budget, Self::Folder, Self::Engine, Self::Environment];

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
            Self::Engine => "engine",
            Self::Environment => "environment",
        }
    }
}

impl UnknownWhy {
    pub fn reason(&self) -> String {
        match self {
            Self::Tmux(words) => format!("tmux does not answer: {words}"),
            Self::Window(why) => (*why).to_owned(),
            Self::OtherHost(host) => format!("started on `{host}`, which cannot be seen from here"),
            Self::Foreign => "foreign: the state folder is a copy of another one".to_owned(),
            Self::Unreadable(why) => format!("its record cannot be read: {why}"),
            Self::Engine(words) => format!("its engine does not answer: {words}"),
            Self::SilentNode(Some(node)) => format!("its node `{node}` is silent"),
            Self::SilentNode(None) => "its node is silent".to_owned(),
        }
    }
}
