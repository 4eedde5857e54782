//! Identifies a process uniquely, even after its pid was reused.

use serde::{Deserialize, Serialize};

/// A pid is reused; together with start time, boot and pid namespace it is unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessId {
    pub pid: u32,
    /// Start time as the kernel counts it since boot (clock ticks on Linux).
    pub start_time: u64,
    #[serde(rename = "world")]
    pub host_boot: HostBoot,
}

/// The boot and pid namespace in which a pid is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostBoot {
    pub host: String,
    pub boot_id: String,
    /// Inode of the pid namespace; 0 on systems without one.
    pub pid_namespace: u64,
}

/// Distinguishes a folder from its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FolderId {
    pub device: u64,
    pub inode: u64,
}
