//! The time of day. Durations come from `std::time::Instant` where one process lives through them.

use jiff::Timestamp;

/// The present moment, to the millisecond: what records and `--json` show.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// Milliseconds from `start` to `end`; 0 where the clock went backwards.
pub fn millis_between(start: Timestamp, end: Timestamp) -> u64 {
    u64::try_from(end.as_millisecond() - start.as_millisecond()).unwrap_or(0)
}
