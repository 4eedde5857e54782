//! Wakes a thread that sleeps in `poll`: a descriptor that any thread can make readable.
//!
//! Carries no data: the woken thread checks itself what changed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Shared by the sleeping thread and all threads that may wake it. Several wake-ups count as one. An eventfd on Linux,
/// a pair of sockets elsewhere.
#[derive(Clone, Debug)]
pub struct EventFd {
    read: Arc<OwnedFd>,
    write: Arc<OwnedFd>,
}

impl EventFd {
    #[cfg(all(target_os = "linux", not(dispatch_posix)))]
    pub fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};
        let both = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        Ok(Self { read: Arc::clone(&both), write: both })
    }

    #[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
    pub fn new() -> io::Result<Self> {
        let (read, write) = std::os::unix::net::UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        Ok(Self { read: Arc::new(read.into()), write: Arc::new(write.into()) })
    }

    /// Makes the descriptor readable. Never blocks.
    pub fn wake(&self) {
        // Fails only if it is full, and therefore readable.
        let _ = rustix::io::write(&self.write, &1_u64.to_ne_bytes());
    }

    /// Consumes the wake-ups so far. Call it before checking for changes, so that a later change wakes again.
    pub fn clear(&self) {
        let mut bytes = [0_u8; 1024];
        while rustix::io::read(&self.read, &mut bytes).is_ok_and(|count| count == bytes.len()) {}
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::watch::wait_readable;
    use std::time::Duration;

    fn is_readable(event: &EventFd) -> bool {
        wait_readable(&[event.as_fd()], Some(Duration::ZERO)).unwrap()[0]
    }

    #[test]
    fn wake_ups_add_up_to_one_and_are_forgotten_at_once() {
        let event = EventFd::new().unwrap();
        assert!(!is_readable(&event));
        // More than any kernel buffer holds: no call may block.
        for _ in 0..300_000 {
            event.wake();
        }
        assert!(is_readable(&event));
        event.clear();
        assert!(!is_readable(&event));
        event.clear();
        event.clone().wake();
        assert!(is_readable(&event));
    }

    #[test]
    fn a_sleeper_is_woken_from_another_thread() {
        let event = EventFd::new().unwrap();
        let other = event.clone();
        std::thread::scope(|scope| {
            scope.spawn(move || other.wake());
            assert_eq!(wait_readable(&[event.as_fd()], None).unwrap(), [true]);
        });
    }
}
