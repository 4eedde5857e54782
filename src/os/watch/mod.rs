//! Waits for files to change: by kernel events on Linux, by short timers elsewhere.

#[cfg(all(target_os = "linux", not(dispatch_posix)))]
#[path = "linux.rs"]
mod platform;
#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
#[path = "posix.rs"]
mod platform;

pub mod file_watcher;
pub mod poll_interval;
pub mod stamp;
mod subscribers;

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};

pub use platform::ChangeWatch;

/// The kernel's number of a watch.
pub type WatchId = i32;

/// Waits until one of `fds` can be read, or `timeout` has passed. Returns which can.
pub fn wait_readable(fds: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)).collect();
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match rustix::event::poll(&mut polled, timeout.as_ref()) {
        Ok(_) => Ok(polled.iter().map(|fd| !fd.revents().is_empty()).collect()),
        Err(rustix::io::Errno::INTR) => Ok(vec![false; fds.len()]),
        Err(error) => Err(error.into()),
    }
}
