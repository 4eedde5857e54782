//! How long to wait until something is polled again: short while it changes, longer while it does not.

use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollInterval(Duration);

impl Default for PollInterval {
    fn default() -> Self {
        Self(SHORTEST)
    }
}

impl PollInterval {
    pub fn get(self) -> Duration {
        self.0
    }

    /// After a poll that saw a change or none. It takes about 5 s without a change to the longest interval.
    pub fn polled(&mut self, has_changed: bool) {
        self.0 = if has_changed { SHORTEST } else { (self.0 * 5 / 4).min(LONGEST) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_while_nothing_changes_and_is_short_again_after_a_change() {
        let mut interval = PollInterval::default();
        // 100 ms grow by a quarter with each poll.
        for _ in 0..10 {
            interval.polled(false);
        }
        assert!(interval.get() < LONGEST, "{interval:?}");
        interval.polled(false);
        assert_eq!(interval.get(), LONGEST);
        interval.polled(false);
        assert_eq!(interval.get(), LONGEST);
        interval.polled(true);
        assert_eq!(interval.get(), SHORTEST);
    }
}
