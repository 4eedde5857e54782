//! What an agent in a window does just now, as far as anybody can tell (CONTRACT section 5).
//!
//! Said only of what runs in a window, and never guessed: who cannot tell gives no activity, or
//! `unknown` with the reason.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a running window does, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    pub state: ActivityState,
    /// For people.
    pub reason: String,
    pub source: ActivitySource,
    /// Since when. Of a text agent, when the source last spoke, to the second: the last output, the bell.
    pub at: Timestamp,
}

/// What an agent in a window can be at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityState {
    Working,
    /// For the user.
    Waiting,
    Idle,
    Unknown,
}

/// What told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivitySource {
    /// It rang the terminal's bell.
    Bell,
    /// It writes, or does not.
    Output,
    /// How its window is made up.
    Window,
    /// It said so itself, by a hook.
    Hook,
    /// It said so itself, in the file of its session.
    Session,
    /// Its screen, or that this shows nothing: it has said nothing yet.
    Screen,
}

impl Activity {
    /// The same without its time, which moves while nothing changes.
    #[must_use]
    pub fn timeless(self) -> Self {
        Self { at: Timestamp::UNIX_EPOCH, ..self }
    }
}

impl ActivityState {
    /// The word of the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Waiting => "waiting",
            Self::Idle => "idle",
            Self::Unknown => "unknown",
        }
    }
}

impl ActivitySource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bell => "bell",
            Self::Output => "output",
            Self::Window => "window",
            Self::Hook => "hook",
            Self::Session => "session",
            Self::Screen => "screen",
        }
    }
}
