//! What started a run.

use serde::{Deserialize, Serialize};

use crate::model::words::words;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartedBy {
    /// A command typed by a person or a script.
    #[default]
    Cli,
    /// A request to the server.
    Web,
    /// `up`, for an entry of `runs:`.
    Up,
    /// Another run needs it.
    Need,
    /// A command inside another run.
    Run,
}

words!(StartedBy { Cli: "cli", Web: "web", Up: "up", Need: "need", Run: "run" });
