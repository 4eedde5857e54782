//! When a client is pinged, and when it is dropped. Pure: observations and the time are passed in.

use std::time::{Duration, Instant};

use crate::serve::limits::times;

/// How long the client's close frame is awaited.
const CLOSE_TIME: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug)]
pub(super) struct KeepaliveLimits {
    /// Between two pings. A client that takes none of the bytes that are being sent is dropped after this time, too.
    pub(super) ping: Duration,
    /// A client that sends and takes nothing is dropped after this time.
    pub(super) dead: Duration,
}

impl Default for KeepaliveLimits {
    fn default() -> Self {
        Self { ping: times().ping, dead: times().dead }
    }
}

#[derive(Debug)]
pub(super) struct Keepalive {
    /// When the client last sent something, or took bytes that had been blocked.
    alive: Instant,
    pinged: Instant,
    /// Bytes written, and when that last grew or became blocked.
    written: (u64, Instant),
    /// Writing would have blocked at the last update.
    blocked: bool,
    /// Since when the client's close frame is awaited.
    closing: Option<Instant>,
    limits: KeepaliveLimits,
}

impl Keepalive {
    pub(super) fn new(now: Instant, limits: KeepaliveLimits) -> Self {
        Self { alive: now, pinged: now, written: (0, now), blocked: false, closing: None, limits }
    }

    pub(super) fn received(&mut self, now: Instant) {
        self.alive = now;
    }

    pub(super) fn closing(&mut self, now: Instant) {
        self.closing.get_or_insert(now);
    }

    /// Whether to ping now: true once for each interval. Never while blocked: the ping would queue behind the rest,
    /// and a write may succeed without the client having read.
    pub(super) fn wants_ping(&mut self, now: Instant) -> bool {
        let due = !self.blocked && now.duration_since(self.pinged) >= self.limits.ping;
        if due {
            self.pinged = now;
        }
        due
    }

    /// Updates the bytes written and whether writing blocks. Returns the longest sleep; `None`: drop the client.
    pub(super) fn update(&mut self, written: u64, blocked: bool, now: Instant) -> Option<Duration> {
        if written != self.written.0 {
            self.written = (written, now);
            // Bytes that fit into the kernel's buffer prove nothing; new room in a full one does.
            if self.blocked {
                self.alive = now;
            }
        }
        if blocked && !self.blocked {
            self.written.1 = now;
        }
        self.blocked = blocked;
        if let Some(since) = self.closing {
            return CLOSE_TIME.checked_sub(now.duration_since(since));
        }
        let KeepaliveLimits { ping, dead } = self.limits;
        let left = dead.checked_sub(now.duration_since(self.alive))?;
        let next = match blocked {
            true => ping.checked_sub(now.duration_since(self.written.1))?,
            false => ping.saturating_sub(now.duration_since(self.pinged)),
        };
        Some(left.min(next).max(Duration::from_millis(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const PING: Duration = Duration::from_secs(20);

    /// Simulates 600 seconds, one update each, and returns the second in which the client was dropped.
    fn given_up(mut seen: impl FnMut(&mut Keepalive, u64, Instant) -> (u64, bool)) -> Option<u64> {
        let begun = Instant::now();
        let mut keepalive = Keepalive::new(begun, KeepaliveLimits::default());
        (0..=600).find(|second| {
            let now = begun + SECOND * u32::try_from(*second).unwrap();
            let (written, blocked) = seen(&mut keepalive, *second, now);
            keepalive.update(written, blocked, now).is_none()
        })
    }

    #[test]
    fn pings_alone_keep_nobody_alive() {
        let mut written = 0;
        let silent = given_up(|keepalive, _, now| {
            written += 2 * u64::from(keepalive.wants_ping(now));
            (written, false)
        });
        assert_eq!((silent, written), (Some(61), 6));
        let flooded = given_up(|_, second, _| (second * 1000, false));
        assert_eq!(flooded, Some(61), "what the system takes is no sign of life");
    }

    #[test]
    fn who_answers_or_takes_lives() {
        let answers = given_up(|keepalive, second, now| {
            if second % 59 == 0 {
                keepalive.received(now);
            }
            (0, false)
        });
        assert_eq!(answers, None);
        assert_eq!(given_up(|_, second, _| (second / 19, true)), None, "slow is not dead");
    }

    #[test]
    fn who_takes_nothing_is_given_up_sooner_and_who_is_told_goodbye_at_once() {
        assert_eq!(given_up(|_, second, _| (second.min(5), true)), Some(26));
        let left = given_up(|keepalive, second, now| {
            if second >= 7 {
                keepalive.closing(now);
            }
            (second, false)
        });
        assert_eq!(left, Some(10));
    }

    #[test]
    fn sleep_ends_where_something_is_due() {
        let begun = Instant::now();
        let mut keepalive = Keepalive::new(begun, KeepaliveLimits::default());
        assert_eq!(keepalive.update(0, false, begun + SECOND), Some(PING - SECOND));
        assert!(!keepalive.wants_ping(begun + PING - SECOND) && keepalive.wants_ping(begun + PING));
        assert_eq!(keepalive.update(2, true, begun + PING), Some(PING));
        assert_eq!(keepalive.update(2, true, begun + PING * 2), Some(Duration::from_millis(1)), "at most so long");
        assert!(!keepalive.wants_ping(begun + PING * 2), "it would wait with the rest");
        assert_eq!(keepalive.update(2, true, begun + PING * 2 + SECOND), None);
    }
}
