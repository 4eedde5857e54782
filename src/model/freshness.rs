//! The inputs of a run that succeeded: while they are the same, running again is paid for twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::run_id::RunId;

/// The version this program writes.
pub const FRESH_VERSION: u32 = 1;

/// What of a run counts as its inputs and outputs, in its spec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tracked {
    /// Glob patterns relative to the run's cwd, rendered.
    pub sources: Vec<String>,
    pub generates: Vec<String>,
}

/// Everything that decides what a run does, as hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fingerprint {
    /// Content of each source, by path relative to the cwd.
    pub sources: BTreeMap<PathBuf, String>,
    pub prompt: String,
    /// The arguments without what differs from run to run (the conversation id).
    pub argv: String,
    pub program: ProgramIdentity,
}

/// The agent's program as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgramIdentity {
    pub path: PathBuf,
    pub size: u64,
    /// Nanoseconds since 1970.
    pub modified: i128,
}

/// `fresh.json` in the folder of a run that succeeded with its inputs unchanged meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FreshRecord {
    pub version: u32,
    pub run_id: RunId,
    pub tracked: Tracked,
    pub fingerprint: Fingerprint,
    /// The files that `generates` matched after the success, relative to the cwd. `None`: the record
    /// was written by a program that did not note them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<BTreeSet<PathBuf>>,
}
