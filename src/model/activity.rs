//! What an agent in a window is doing now.
//!
//! Only for runs in a window, and never guessed: without evidence there is no activity, or `unknown` with the reason.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::words::words;

/// What a running window does, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub state: ActivityState,
    /// For people.
    pub reason: String,
    pub source: ActivitySource,
    /// Since when. For a text agent, the time of the last output or bell, to the second.
    pub at: Timestamp,
    /// What a person does about it, where the agent waits at a dialog that is known.
    pub fix: Option<&'static str>,
}

/// What an agent in a window can be doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityState {
    Working,
    /// For the user.
    Waiting,
    Idle,
    Unknown,
}

/// What the activity was concluded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivitySource {
    /// It rang the terminal's bell.
    Bell,
    /// Whether it writes output.
    Output,
    /// The panes of its window.
    Window,
    /// A hook of the agent.
    Hook,
    /// The file of the agent's session.
    Session,
    /// Its screen, while neither hook nor session file has reported anything.
    Screen,
}

impl Activity {
    /// This activity without its time, which changes although nothing else does.
    #[must_use]
    pub fn timeless(self) -> Self {
        Self { at: Timestamp::UNIX_EPOCH, ..self }
    }
}

words!(ActivityState { Working: "working", Waiting: "waiting", Idle: "idle", Unknown: "unknown" });

words!(ActivitySource {
    Bell: "bell",
    Output: "output",
    Window: "window",
    Hook: "hook",
    Session: "session",
    Screen: "screen",
});
