//! What an agent in a window is doing now. Only for runs in a window, and never guessed: without evidence there is
//! no activity, or `Unknown` with the reason.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::words::words;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub state: ActivityState,
    /// Text for people.
    pub reason: String,
    pub source: ActivitySource,
    /// Since when. For a text agent, the time of the last output or bell, to the second.
    pub at: Timestamp,
    /// What a person can do about it, if the agent waits at a known dialog.
    pub fix: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityState {
    Working,
    /// Waits for the user.
    Waiting,
    Idle,
    Unknown,
}

/// The evidence for the activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivitySource {
    /// The agent rang the terminal's bell.
    Bell,
    /// The agent writes output, or has stopped doing so.
    Output,
    /// The panes of its window.
    Window,
    Hook,
    /// The file of the agent's session.
    Session,
    /// The screen, while neither hook nor session file has reported anything.
    Screen,
}

impl Activity {
    /// Without the time, which may change while nothing else does.
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
