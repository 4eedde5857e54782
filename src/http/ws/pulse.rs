//! When a client is pinged, and when it is given up. Pure: it is told what was seen, and the time.

use std::time::{Duration, Instant};

use crate::http::limits::times;

/// A client that does not answer a close is cut off.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long a client may be silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Between two pings; and one that takes nothing of what is sent is given up after as long.
    pub(super) ping: Duration,
    pub(super) dead: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { ping: times().ping, dead: times().dead }
    }
}

/// What is known of a client's life.
#[derive(Debug)]
pub(super) struct Pulse {
    /// It said something, or took what it had not taken before.
    alive: Instant,
    pinged: Instant,
    /// How much was written, and when that last grew or was stopped.
    written: (u64, Instant),
    /// It took no more when last looked at.
    blocked: bool,
    /// Since when only its close is awaited.
    closing: Option<Instant>,
    patience: Patience,
}

impl Pulse {
    pub(super) fn new(now: Instant, patience: Patience) -> Self {
        Self { alive: now, pinged: now, written: (0, now), blocked: false, closing: None, patience }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.alive = now;
    }

    pub(super) fn closing(&mut self, now: Instant) {
        self.closing.get_or_insert(now);
    }

    /// Whether to ping now. Said once for each time, and not where nothing is taken: the ping would
    /// wait with the rest, and trying to write may find room that no client made.
    pub(super) fn wants_ping(&mut self, now: Instant) -> bool {
        let due = !self.blocked && now.duration_since(self.pinged) >= self.patience.ping;
        if due {
            self.pinged = now;
        }
        due
    }

    /// So much was written by now, and whether the client takes no more. How long to sleep at most;
    /// `None`: it is given up.
    pub(super) fn look(&mut self, written: u64, blocked: bool, now: Instant) -> Option<Duration> {
        if written != self.written.0 {
            self.written = (written, now);
            // What the system's buffers take, pings too, is no sign of life. Room in full ones is.
            if self.blocked {
                self.alive = now;
            }
        }
        if blocked && !self.blocked {
            self.written.1 = now;
        }
        self.blocked = blocked;
        if let Some(since) = self.closing {
            return GOODBYE.checked_sub(now.duration_since(since));
        }
        let Patience { ping, dead } = self.patience;
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

    /// Looks once a second for so long, pinging as it is told to, and says when it was given up.
    fn given_up(mut seen: impl FnMut(&mut Pulse, u64, Instant) -> (u64, bool)) -> Option<u64> {
        let begun = Instant::now();
        let mut pulse = Pulse::new(begun, Patience::default());
        (0..=600).find(|second| {
            let now = begun + SECOND * u32::try_from(*second).unwrap();
            let (written, blocked) = seen(&mut pulse, *second, now);
            pulse.look(written, blocked, now).is_none()
        })
    }

    #[test]
    fn pings_alone_keep_nobody_alive() {
        let mut written = 0;
        let silent = given_up(|pulse, _, now| {
            written += 2 * u64::from(pulse.wants_ping(now));
            (written, false)
        });
        assert_eq!((silent, written), (Some(61), 6));
        let flooded = given_up(|_, second, _| (second * 1000, false));
        assert_eq!(flooded, Some(61), "what the system takes is no sign of life");
    }

    #[test]
    fn who_answers_or_takes_lives() {
        let answers = given_up(|pulse, second, now| {
            if second % 59 == 0 {
                pulse.heard(now);
            }
            (0, false)
        });
        assert_eq!(answers, None);
        assert_eq!(given_up(|_, second, _| (second / 19, true)), None, "slow is not dead");
    }

    #[test]
    fn who_takes_nothing_is_given_up_sooner_and_who_is_told_goodbye_at_once() {
        assert_eq!(given_up(|_, second, _| (second.min(5), true)), Some(26));
        let left = given_up(|pulse, second, now| {
            if second >= 7 {
                pulse.closing(now);
            }
            (second, false)
        });
        assert_eq!(left, Some(10));
    }

    #[test]
    fn sleep_ends_where_something_is_due() {
        let begun = Instant::now();
        let mut pulse = Pulse::new(begun, Patience::default());
        assert_eq!(pulse.look(0, false, begun + SECOND), Some(PING - SECOND));
        assert!(!pulse.wants_ping(begun + PING - SECOND) && pulse.wants_ping(begun + PING));
        assert_eq!(pulse.look(2, true, begun + PING), Some(PING));
        assert_eq!(pulse.look(2, true, begun + PING * 2), Some(Duration::from_millis(1)), "at most so long");
        assert!(!pulse.wants_ping(begun + PING * 2), "it would wait with the rest");
        assert_eq!(pulse.look(2, true, begun + PING * 2 + SECOND), None);
    }
}
