//! The last events, numbered, so that who was away can go on where it was.

use std::collections::VecDeque;
use std::sync::Arc;

/// So many are kept.
const KEPT: usize = 4096;

#[derive(Debug)]
pub(super) struct Ring {
    frames: VecDeque<Arc<str>>,
    /// The number of the last one.
    last: u64,
}

/// What comes after a number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    Frame(Arc<str>),
    Nothing,
    /// It is not known any more, or never was.
    Unknown,
}

impl Ring {
    /// The first frame is `start + 1`. A start of its own for each server, so that numbers of an
    /// earlier one are not taken for its own.
    pub(super) fn new(start: u64) -> Self {
        Self { frames: VecDeque::new(), last: start }
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    pub(super) fn push(&mut self, frame: impl FnOnce(u64) -> String) {
        self.last += 1;
        if self.frames.len() == KEPT {
            self.frames.pop_front();
        }
        self.frames.push_back(Arc::from(frame(self.last)));
    }

    pub(super) fn after(&self, number: u64) -> After {
        let Some(behind) = self.last.checked_sub(number) else { return After::Unknown };
        if behind == 0 {
            return After::Nothing;
        }
        let at = usize::try_from(behind).ok().and_then(|behind| self.frames.len().checked_sub(behind));
        at.and_then(|at| self.frames.get(at)).cloned().map_or(After::Unknown, After::Frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(frames: u64) -> Ring {
        let mut ring = Ring::new(1000);
        (0..frames).for_each(|_| ring.push(|number| number.to_string()));
        ring
    }

    #[test]
    fn whoever_names_a_number_gets_the_next_one() {
        let ring = ring(3);
        assert_eq!(ring.last(), 1003);
        assert_eq!(ring.after(1000), After::Frame("1001".into()));
        assert_eq!(ring.after(1002), After::Frame("1003".into()));
        assert_eq!(ring.after(1003), After::Nothing);
    }

    #[test]
    fn what_is_not_in_the_ring_is_unknown() {
        for number in [0, 999, 1004, u64::MAX] {
            assert_eq!(ring(3).after(number), After::Unknown, "{number}");
        }
        let full = ring(KEPT as u64 + 2);
        assert_eq!(full.after(1001), After::Unknown);
        assert_eq!(full.after(1002), After::Frame("1003".into()));
        assert_eq!(full.frames.len(), KEPT);
    }
}
