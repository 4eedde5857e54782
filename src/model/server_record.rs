//! `server.json`: the server of this state folder, its address and its token.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub const SERVER_VERSION: u32 = 1;

/// Written by `serve` when it listens, removed when it ends. Only its user may read it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerRecord {
    pub version: u32,
    pub pid: u32,
    /// `http://127.0.0.1:3477/`, or `unix:/path`.
    pub address: String,
    /// 64 hexadecimal digits; a secret.
    pub token: String,
    pub started_at: Timestamp,
}

impl std::fmt::Debug for ServerRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerRecord").field("pid", &self.pid).field("address", &self.address).finish_non_exhaustive()
    }
}
