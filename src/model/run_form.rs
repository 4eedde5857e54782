//! Whether a run has a window or works in the background.

use serde::{Deserialize, Serialize};

use crate::model::words::words;

/// In records and JSON it is `headless: true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "bool", into = "bool")]
pub enum RunForm {
    /// In a tmux window, for a person.
    Interactive,
    /// A job: a background process with log files.
    Headless,
}

words!(RunForm { Interactive: "interactive", Headless: "headless" });

impl RunForm {
    /// As the manifest says it.
    pub const fn of_interactive(interactive: bool) -> Self {
        if interactive { Self::Interactive } else { Self::Headless }
    }

    pub const fn has_window(self) -> bool {
        matches!(self, Self::Interactive)
    }

    pub const fn is_job(self) -> bool {
        matches!(self, Self::Headless)
    }

    #[must_use]
    pub const fn other(self) -> Self {
        Self::of_interactive(self.is_job())
    }
}

impl From<bool> for RunForm {
    fn from(headless: bool) -> Self {
        Self::of_interactive(!headless)
    }
}

impl From<RunForm> for bool {
    fn from(form: RunForm) -> Self {
        form.is_job()
    }
}
