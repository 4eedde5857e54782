//! What `doctor` asks a node of an engine, and what the node answers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub const PROBE_VERSION: u32 = 1;

/// `request.json` of a probe folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeRequest {
    pub version: u32,
    /// Programs that the node must be able to start.
    pub programs: Vec<PathBuf>,
    /// Folders that it must see.
    pub folders: Vec<PathBuf>,
}

/// `answer.json` of a probe folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeAnswer {
    pub version: u32,
    /// The engine's name of the node.
    pub node: Option<String>,
    /// The inode of the probe folder as the node sees it.
    pub inode: u64,
    /// Whether a lock that the submitting host holds keeps the node out.
    pub is_locked: bool,
    pub missing_programs: Vec<PathBuf>,
    pub missing_folders: Vec<PathBuf>,
}
