//! The time of day, and a stopwatch.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::os::environment;

/// The current time in whole milliseconds, the precision of records and of `--json`.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// The local day that contains `now`: its start and its end.
pub fn day_of(now: Timestamp) -> (Timestamp, Timestamp) {
    let whole_day = 24 * 3600 * 1000;
    let local = now.to_zoned(local_zone());
    let start = local.start_of_day();
    let end = start.as_ref().ok().and_then(|start| start.tomorrow().ok()).map(|end| end.timestamp());
    // Outside the calendar's range: the last 24 hours.
    let start = start.map_or_else(
        |_| Timestamp::from_millisecond(now.as_millisecond() - whole_day).unwrap_or(now),
        |start| start.timestamp(),
    );
    (start, end.unwrap_or(now))
}

/// The last zone that was parsed, with the file that it was parsed from.
static ZONE: Mutex<Option<(Option<Vec<u8>>, TimeZone)>> = Mutex::new(None);

/// Stack in bytes: the parser of zones needs more than the threads of the server have. The main thread has enough.
const ZONE_STACK: usize = 2 << 20;

/// The user's time zone. Without `TZ` it is read from its file: a search by name would read the list of all zones.
pub fn local_zone() -> TimeZone {
    let named = environment::var("TZ").is_some();
    let file = if named { None } else { std::fs::read("/etc/localtime").ok() };
    let mut last = ZONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, zone)) = last.as_ref().filter(|(known, _)| *known == file) {
        return zone.clone();
    }
    let zone = parsed_zone(file.as_deref());
    *last = Some((file, zone.clone()));
    zone
}

fn parsed_zone(file: Option<&[u8]>) -> TimeZone {
    let parse = || file.and_then(|bytes| TimeZone::tzif("local", bytes).ok()).unwrap_or_else(TimeZone::system);
    // The standard library gives this name to the main thread alone.
    if std::thread::current().name() == Some("main") {
        return parse();
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("zone".to_owned()).stack_size(ZONE_STACK);
        thread.spawn_scoped(scope, parse).ok().and_then(|thread| thread.join().ok())
    })
    .unwrap_or(TimeZone::UTC)
}

/// Date and time in the user's time zone.
pub fn local_minute(at: Timestamp) -> String {
    at.to_zoned(local_zone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The date in the user's time zone: `2026-01-31`.
pub fn local_day(at: Timestamp) -> String {
    at.to_zoned(local_zone()).strftime("%Y-%m-%d").to_string()
}

/// The time in the user's time zone, with the date if it differs from the date of `now`.
pub fn local_moment(at: Timestamp, now: Timestamp) -> String {
    let zone = local_zone();
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone));
    let form = if at.date() == now.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    at.strftime(form).to_string()
}

/// Milliseconds from `start` to `end`; 0 if the clock was set back.
pub fn millis_between(start: Timestamp, end: Timestamp) -> u64 {
    u64::try_from(end.as_millisecond() - start.as_millisecond()).unwrap_or(0)
}

/// The time since this machine was started; it goes on while the machine is suspended, where the system counts so.
pub fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(clock);
    let seconds = Duration::from_secs(now.tv_sec.try_into().unwrap_or(0));
    seconds + Duration::from_nanos(now.tv_nsec.try_into().unwrap_or(0))
}

/// Elapsed time by the monotonic clock, which setting the time of day does not affect.
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
