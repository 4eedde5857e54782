//! The time of day, and a stopwatch for what one process lives through.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::system::environment;

/// The present moment, to the millisecond: what records and `--json` show.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// The local day of `now`: its first moment and the next day's.
pub fn day_of(now: Timestamp) -> (Timestamp, Timestamp) {
    let whole_day = 24 * 3600 * 1000;
    let local = now.to_zoned(local_zone());
    let start = local.start_of_day();
    let end = start.as_ref().ok().and_then(|start| start.tomorrow().ok()).map(|end| end.timestamp());
    // Outside the calendar, the last 24 hours are the day.
    let start = start.map_or_else(
        |_| Timestamp::from_millisecond(now.as_millisecond() - whole_day).unwrap_or(now),
        |start| start.timestamp(),
    );
    (start, end.unwrap_or(now))
}

/// The user's time zone. Read from its file alone where the environment names no other: to look it
/// up by its name means to list all zones.
pub fn local_zone() -> TimeZone {
    let named = environment::var("TZ").is_some();
    let file = if named { None } else { std::fs::read("/etc/localtime").ok() };
    let zone = file.and_then(|bytes| TimeZone::tzif("local", &bytes).ok());
    zone.unwrap_or_else(TimeZone::system)
}

/// A moment in the user's own time zone, for people.
pub fn local_minute(at: Timestamp) -> String {
    at.to_zoned(local_zone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The day in the user's own time zone: `2026-01-31`.
pub fn local_day(at: Timestamp) -> String {
    at.to_zoned(local_zone()).strftime("%Y-%m-%d").to_string()
}

/// A moment in the user's own time zone, for people: its time, and its day where that is not the day of
/// `now`.
pub fn local_moment(at: Timestamp, now: Timestamp) -> String {
    let zone = local_zone();
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone));
    let form = if at.date() == now.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    at.strftime(form).to_string()
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
