//! Watches files and folders for a whole process, for any number of subscribers.
//!
//! Kernel instances are limited, so one instance and one thread serve the process. The thread sleeps until an event;
//! only paths that the kernel does not watch, or that another host writes, are polled.
//! Reports that something changed, never what.

use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::os::clock::Stopwatch;
use crate::os::event_fd::EventFd;
use crate::os::watch::poll_interval::PollInterval;
use crate::os::watch::stamp::FileStamp;
use crate::os::watch::subscribers::{Subscribers, WatchMethod};
use crate::os::watch::{ChangeWatch, wait_readable};

/// Pause after an error of the kernel that is not expected, so that the thread does not spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// The thread's stack, in bytes.
const STACK: usize = 64 * 1024;

/// Watches until it is dropped.
#[derive(Debug)]
pub struct FileWatcher {
    shared: Arc<WatcherState>,
}

/// Wakes its event for one path until it is dropped.
#[derive(Debug)]
pub struct Subscription {
    shared: Arc<WatcherState>,
    id: u64,
    method: WatchMethod,
}

#[derive(Debug)]
struct WatcherState {
    /// `None` if the system has no instance left: then all paths are polled.
    kernel: Option<ChangeWatch>,
    subscribers: Mutex<Subscribers>,
    /// Wakes the thread: a path to poll was added, or the thread must end.
    nudge: EventFd,
    ended: AtomicBool,
}

impl FileWatcher {
    pub fn start() -> io::Result<Arc<Self>> {
        Self::with_kernel(ChangeWatch::new().ok())
    }

    fn with_kernel(kernel: Option<ChangeWatch>) -> io::Result<Arc<Self>> {
        let nudge = EventFd::new()?;
        let shared =
            Arc::new(WatcherState { kernel, subscribers: Mutex::default(), nudge, ended: AtomicBool::default() });
        let worker = Arc::clone(&shared);
        std::thread::Builder::new().name("watcher".to_owned()).stack_size(STACK).spawn(move || worker.work())?;
        Ok(Arc::new(Self { shared }))
    }

    /// Wakes `event` when the file is written to; for a folder, when an entry appears, disappears, is replaced or was
    /// written. Every change after this call wakes.
    pub fn follow(&self, path: &Path, event: &EventFd) -> io::Result<Subscription> {
        let mut subscribers = self.shared.subscribers();
        // Under the lock: another subscription may be removing the watch that this path shares.
        let watch = match &self.shared.kernel {
            Some(kernel) => kernel.add(path)?,
            None => None,
        };
        let (id, method) = match watch {
            Some(watch) => subscribers.add_watched(watch, event),
            None => {
                let stamp = FileStamp::of(path)?;
                self.shared.nudge.wake();
                subscribers.add_polled(path, stamp, event)
            }
        };
        Ok(Subscription { shared: Arc::clone(&self.shared), id, method })
    }

    /// Does what [`Self::follow`] does by polling: the kernel reports no change that another host makes.
    pub fn poll(&self, path: &Path, event: &EventFd) -> io::Result<Subscription> {
        let stamp = FileStamp::of(path)?;
        let (id, method) = self.shared.subscribers().add_polled(path, stamp, event);
        self.shared.nudge.wake();
        Ok(Subscription { shared: Arc::clone(&self.shared), id, method })
    }
}

impl Drop for FileWatcher {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.shared.nudge.wake();
    }
}

impl Subscription {
    /// Whether the file that existed when the subscription was made still exists.
    pub fn is_alive(&self) -> bool {
        self.shared.subscribers().is_watched(&self.method)
    }

    #[cfg(test)]
    pub fn is_polled(&self) -> bool {
        matches!(self.method, WatchMethod::Polling(_))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut subscribers = self.shared.subscribers();
        // Removing one watch is fast; closing the kernel's instance takes milliseconds.
        if let (Some(watch), Some(kernel)) = (subscribers.leave(self.id, &self.method), &self.shared.kernel) {
            kernel.unwatch(watch);
        }
    }
}

impl WatcherState {
    fn subscribers(&self) -> MutexGuard<'_, Subscribers> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut fds = vec![self.nudge.as_fd()];
        fds.extend(self.kernel.as_ref().map(|kernel| kernel.as_fd()));
        let (mut interval, mut polled) = (PollInterval::default(), Stopwatch::start());
        while !self.ended.load(Ordering::Acquire) {
            let tick = self.subscribers().polls().then(|| interval.get().saturating_sub(polled.elapsed()));
            let Ok(ready) = wait_readable(&fds, tick) else {
                std::thread::sleep(ERROR_PAUSE);
                continue;
            };
            if ready.first() == Some(&true) {
                self.nudge.clear();
                // For the new path.
                interval = PollInterval::default();
            }
            if let (Some(true), Some(kernel)) = (ready.get(1), &self.kernel) {
                let events = kernel.read_events();
                self.subscribers().report(&events);
            }
            if polled.elapsed() >= interval.get() {
                interval.polled(self.subscribers().poll_files());
                polled = Stopwatch::start();
            }
        }
    }
}

#[cfg(test)]
mod tests;
