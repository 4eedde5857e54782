//! Records that a person visited a run that waited, or looked at one that ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub const VISIT_VERSION: u32 = 1;

/// `visit.json`: read by `attach --next` and for the pages' "needs me". A stale or missing record only changes the order
/// of visits, or shows a failed run once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VisitRecord {
    pub version: u32,
    /// Begin of the visited wait, or the end of the run. A wait that began at another time was not visited.
    pub waits_since: Timestamp,
    pub visited_at: Timestamp,
}
