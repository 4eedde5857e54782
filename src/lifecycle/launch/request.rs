//! The request to start runs, from the command line, HTTP or `up`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::run_id::RunId;
use crate::model::run_overrides::RunOverrides;
use crate::model::started_by::StartedBy;

/// The options of a start. To runs that are only needed, just `jobs` applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StartRequest {
    /// `--prompt`: any bytes but NUL.
    #[serde(with = "prompt_text")]
    pub prompt: Option<Vec<u8>>,
    pub extras: Vec<String>,
    /// `-B`: start even if nothing has changed since the last success.
    pub force: bool,
    /// `--subtasks`: the leaf tasks below the named ones, each in the mode it declares.
    pub subtasks: bool,
    /// With `subtasks`: leave out the tasks before this one in run order.
    pub from: Option<String>,
    pub resume: Resume,
    /// `--save-to`: replaces the mode's.
    pub save_to: Option<PathBuf>,
    /// `--set`, `--timeout`, `--model`. Its `env` is not used.
    pub overrides: RunOverrides,
    /// `-e`: variables of the runs' environment. They cross no process boundary.
    #[serde(skip)]
    pub given_env: BTreeMap<String, OsString>,
    /// `-j`: lowers the manifest's `jobs`.
    pub jobs: Option<u32>,
    /// `None`: by the command line.
    pub started_by: Option<StartedBy>,
}

/// Which conversation the requested runs continue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Resume {
    /// A new one.
    #[default]
    NewConversation,
    /// That of the pair's last run that has one.
    LastOfPair,
    /// That of this run, of any pair, and in its folder: the agent searches for it there.
    Of(RunId),
    /// That of this run, which resumes one and is stopped before; in its folder.
    Again(RunId),
}

/// The conversation that a run continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub run: RunId,
    pub session: String,
    /// The folder of the conversation, if it replaces the mode's.
    pub cwd: Option<PathBuf>,
}

/// Serializes the prompt as text: a prompt that crosses a process boundary was received as text.
mod prompt_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(prompt: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        prompt.as_deref().map(String::from_utf8_lossy).serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(String::into_bytes))
    }
}
