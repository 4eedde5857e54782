//! What is asked for when runs are started: the same for the command line, HTTP and `up`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::run_id::RunId;
use crate::model::started_by::StartedBy;

/// The options of a start. Of what the requested runs need, `jobs` alone counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct StartRequest {
    /// `--prompt`, as bytes: any but NUL.
    #[serde(with = "prompt_text")]
    pub prompt: Option<Vec<u8>>,
    pub extras: Vec<String>,
    /// `-B`: start although nothing has changed since the last success.
    pub force: bool,
    /// `--subtasks`: the tasks below the named ones, each in the mode it declares.
    pub subtasks: bool,
    pub resume: Resume,
    /// `--save-to`, in place of the mode's.
    pub save_to: Option<PathBuf>,
    /// `-j`: lowers the manifest's `jobs`.
    pub jobs: Option<u32>,
    /// `None`: by the command line.
    pub started_by: Option<StartedBy>,
}

/// Whose conversation the requested runs continue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Resume {
    /// They begin their own.
    #[default]
    Nobodys,
    /// That of their pair's last run.
    LastOfPair,
    /// That of this run, of whatever pair; and in its folder, where its agent looks for it.
    Of(RunId),
}

/// The conversation that a run continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub run: RunId,
    pub session: String,
    /// The folder where it is known, in place of the mode's.
    pub cwd: Option<PathBuf>,
}

/// A prompt as text: one that crosses a process boundary came as text.
mod prompt_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(prompt: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        prompt.as_deref().map(String::from_utf8_lossy).serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(String::into_bytes))
    }
}
