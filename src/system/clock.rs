//! The time of day, and a stopwatch for what one process lives through.

use std::time::{Duration, Instant};

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

/// Time that passes, by the monotonic clock: no change of the time of day disturbs it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    begun: Instant,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self { begun: Instant::now() }
    }

    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// In whole milliseconds.
    pub fn millis(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
