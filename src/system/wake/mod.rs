//! Waking a thread that sleeps in `poll`: a descriptor that any thread can make readable.
//!
//! Carries no data: who is woken looks for itself at what changed.

#[cfg(all(target_os = "linux", not(dispatch_posix)))]
mod linux;
#[cfg(all(target_os = "linux", not(dispatch_posix)))]
use linux::Bell;

#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
mod posix;
#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
use posix::Bell;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// Shared by who sleeps and all who may wake it. Wake-ups that come together are one.
#[derive(Clone, Debug)]
pub struct Waker {
    bell: Arc<Bell>,
}

impl Waker {
    pub fn new() -> io::Result<Self> {
        Ok(Self { bell: Arc::new(Bell::new()?) })
    }

    /// Makes the descriptor readable. Never blocks.
    pub fn wake(&self) {
        self.bell.ring();
    }

    /// Forgets the wake-ups so far. Call it before looking, so that what comes during the look
    /// wakes again.
    pub fn clear(&self) {
        self.bell.silence();
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::watch::wait_readable;
    use std::time::Duration;

    fn is_readable(waker: &Waker) -> bool {
        wait_readable(&[waker.as_fd()], Some(Duration::ZERO)).unwrap()[0]
    }

    #[test]
    fn wake_ups_add_up_to_one_and_are_forgotten_at_once() {
        let waker = Waker::new().unwrap();
        assert!(!is_readable(&waker));
        // More than any buffer of the kernel holds: none may block.
        for _ in 0..300_000 {
            waker.wake();
        }
        assert!(is_readable(&waker));
        waker.clear();
        assert!(!is_readable(&waker));
        waker.clear();
        waker.clone().wake();
        assert!(is_readable(&waker));
    }

    #[test]
    fn a_sleeper_is_woken_from_another_thread() {
        let waker = Waker::new().unwrap();
        let other = waker.clone();
        std::thread::scope(|scope| {
            scope.spawn(move || other.wake());
            assert_eq!(wait_readable(&[waker.as_fd()], None).unwrap(), [true]);
        });
    }
}
