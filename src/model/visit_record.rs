//! That somebody went to a run that waited for them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub const VISIT_VERSION: u32 = 1;

/// `visit.json`: only `attach --next` asks for it, and an old or missing one changes the order in
/// which runs are visited, nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VisitRecord {
    pub version: u32,
    /// Since when it waited. Where it waits since another moment, it was not visited.
    pub waits_since: Timestamp,
    pub visited_at: Timestamp,
}
