//! One watch on files and folders for a whole process, however many follow them.
//!
//! The kernel's handles for this are few, so there is one, and one thread that reads it and wakes
//! who follows. It sleeps until something happens; only where the kernel does not help it looks
//! by itself. Tells that something changed, never what.

#[cfg(all(target_os = "linux", not(dispatch_posix)))]
mod linux;
#[cfg(all(target_os = "linux", not(dispatch_posix)))]
use linux::Kernel;

#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
mod posix;
#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
use posix::Kernel;

mod table;

use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::system::wake::Waker;
use crate::system::watch::stamp::Stamp;
use crate::system::watch::wait_readable;
use table::{Place, Table};

/// What the kernel does not watch is looked at this often.
const LOOK: Duration = Duration::from_millis(100);

/// The thread's stack: it calls nothing deep.
const STACK: usize = 64 * 1024;

/// What is known of a watch by the kernel.
type Watch = i32;

/// Follows files and folders until it is dropped and nobody follows any more.
#[derive(Debug)]
pub struct Hub {
    shared: Arc<Shared>,
}

/// The right to be woken for one path. Dropped: no more.
#[derive(Debug)]
pub struct Subscription {
    shared: Arc<Shared>,
    id: u64,
    place: Place,
}

#[derive(Debug)]
struct Shared {
    /// `None` where the system has none left: then all is looked at.
    kernel: Option<Kernel>,
    table: Mutex<Table>,
    /// Wakes the thread: there is something to look at now, or nothing to do any more.
    nudge: Waker,
    over: AtomicBool,
}

impl Hub {
    pub fn start() -> io::Result<Arc<Self>> {
        Self::over(Kernel::new().ok())
    }

    fn over(kernel: Option<Kernel>) -> io::Result<Arc<Self>> {
        let shared =
            Arc::new(Shared { kernel, table: Mutex::default(), nudge: Waker::new()?, over: AtomicBool::default() });
        let worker = Arc::clone(&shared);
        std::thread::Builder::new().name("hub".to_owned()).stack_size(STACK).spawn(move || worker.work())?;
        Ok(Arc::new(Self { shared }))
    }

    /// Wakes `waker` when the file is written to; or, of a folder, when an entry comes, goes, is
    /// replaced or was written. What happens after this call wakes.
    pub fn follow(&self, path: &Path, waker: &Waker) -> io::Result<Subscription> {
        let mut table = self.shared.table();
        // Under the table's lock: the same path has the same watch, which another may just be
        // giving up.
        let watch = match &self.shared.kernel {
            Some(kernel) => kernel.add(path)?,
            None => None,
        };
        let (id, place) = match watch {
            Some(watch) => table.follow(watch, waker),
            None => {
                let stamp = Stamp::of(path)?;
                self.shared.nudge.wake();
                table.look_at(path, stamp, waker)
            }
        };
        Ok(Subscription { shared: Arc::clone(&self.shared), id, place })
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        self.shared.nudge.wake();
    }
}

impl Subscription {
    /// Whether what was at its path when it was made is still there to be watched.
    pub fn is_alive(&self) -> bool {
        self.shared.table().knows(&self.place)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        // Only to let go of the whole handle takes the kernel long; one watch goes at once.
        if let (Some(watch), Some(kernel)) = (table.leave(self.id, &self.place), &self.shared.kernel) {
            kernel.remove(watch);
        }
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut fds = vec![self.nudge.as_fd()];
        fds.extend(self.kernel.as_ref().map(|kernel| kernel.as_fd()));
        while !self.over.load(Ordering::Acquire) {
            let tick = self.table().has_looks().then_some(LOOK);
            let Ok(ready) = wait_readable(&fds, tick) else {
                // Never seen; a thread that spins would be worse than one that is late.
                std::thread::sleep(LOOK);
                continue;
            };
            if ready.first() == Some(&true) {
                self.nudge.clear();
            }
            if let (Some(true), Some(kernel)) = (ready.get(1), &self.kernel) {
                let happened = kernel.read();
                self.table().tell(&happened);
            }
            if tick.is_some() {
                self.table().look();
            }
        }
    }
}

#[cfg(test)]
mod tests;
