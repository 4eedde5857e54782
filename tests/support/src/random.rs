//! Random numbers that can be had again: a test that fails names its seed.

use std::time::{SystemTime, UNIX_EPOCH};

/// xorshift64*. Good enough to pick moments and bytes.
#[derive(Debug)]
pub struct Random {
    pub seed: u64,
    state: u64,
}

impl Random {
    /// From `SEED` of the environment, else from the clock.
    pub fn new() -> Self {
        let given = std::env::var("SEED").ok().and_then(|text| text.parse().ok());
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.subsec_nanos().into());
        Self::from(given.unwrap_or_else(clock).max(1))
    }

    /// Always the same.
    pub fn from(seed: u64) -> Self {
        let mut random = Self { seed, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 };
        random.next();
        random
    }

    pub fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % end
    }

    pub fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }

    /// One time in `of`.
    pub fn seldom(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// Changes a few bytes: turned, lost, put in, said twice.
    pub fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            let byte = self.byte();
            match self.below(4) {
                0 if at < bytes.len() => bytes[at] ^= byte,
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.insert(at, byte),
                _ => {
                    let piece = bytes[at..bytes.len().min(at + self.below(40))].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
    }
}
