//! The inputs of a run that succeeded. While they are unchanged, another run would only cost again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::run_id::RunId;

pub const FRESH_VERSION: u32 = 1;

/// Part of a run's spec: what counts as its inputs and outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tracked {
    /// Rendered glob patterns relative to the run's cwd.
    pub sources: Vec<String>,
    pub generates: Vec<String>,
}

/// Hashes of everything that decides what a run does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fingerprint {
    /// Hash of each source's content, by path relative to the cwd.
    pub sources: BTreeMap<PathBuf, String>,
    pub prompt: String,
    /// Without the arguments that differ from run to run (the conversation id).
    pub argv: String,
    pub program: ProgramIdentity,
}

/// The executable of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgramIdentity {
    pub path: PathBuf,
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i128,
}

/// `fresh.json` in the folder of a run that succeeded while its inputs stayed unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FreshRecord {
    pub version: u32,
    pub run_id: RunId,
    pub tracked: Tracked,
    pub fingerprint: Fingerprint,
    /// The files that `generates` matched after the success, relative to the cwd. `None` in records of versions that
    /// did not record them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<BTreeSet<PathBuf>>,
}
