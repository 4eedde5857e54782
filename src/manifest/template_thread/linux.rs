//! The memory use of this process, from `/proc`.

use std::fs;

/// Resident bytes of this process; 0 if they cannot be read.
pub(super) fn resident() -> u64 {
    let about = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = about.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}
