//! Random numbers that can be had again: a test that fails names its seed.

use std::time::{SystemTime, UNIX_EPOCH};

/// xorshift64*. Good enough to pick moments and bytes.
#[derive(Debug)]
pub(crate) struct Random {
    pub(crate) seed: u64,
    state: u64,
}

impl Random {
    /// From `SEED` of the environment, else from the clock.
    pub(crate) fn new() -> Self {
        let given = std::env::var("SEED").ok().and_then(|text| text.parse().ok());
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.subsec_nanos().into());
        Self::from(given.unwrap_or_else(clock).max(1))
    }

    /// Always the same.
    pub(crate) fn from(seed: u64) -> Self {
        let mut random = Self { seed, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 };
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `end`, which must not be 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % end
    }
}
