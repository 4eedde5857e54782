//! A process that can be recognised again, whatever happens to its pid.

use serde::{Deserialize, Serialize};

/// A pid alone is recycled; with its start time, boot and pid namespace it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessId {
    pub pid: u32,
    /// Start time as the kernel counts it since boot (clock ticks on Linux).
    pub start_time: u64,
    #[serde(rename = "world")]
    pub host_boot: HostBoot,
}

/// The boot and pid namespace in which a pid means something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostBoot {
    pub host: String,
    pub boot_id: String,
    /// Inode of the pid namespace; 0 where the system has none.
    pub pid_namespace: u64,
}

/// A folder that can be told from its copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FolderId {
    pub device: u64,
    pub inode: u64,
}
