//! inotify.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

/// A file that is watched.
#[derive(Debug)]
pub struct Watched(i32);

/// Wakes when a watched file grows or an entry of a watched folder comes, goes or is written.
#[derive(Debug)]
pub struct Watch {
    inotify: OwnedFd,
}

impl Watch {
    pub fn new() -> io::Result<Self> {
        Ok(Self { inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)? })
    }

    /// Watches a file for writes.
    pub fn file(&self, path: &Path) -> io::Result<Watched> {
        Ok(Watched(inotify::add_watch(&self.inotify, path, WatchFlags::MODIFY)?))
    }

    /// Watches a file no more.
    pub fn forget(&self, watched: Watched) {
        // One that is gone already is as good as forgotten.
        let _ = inotify::remove_watch(&self.inotify, watched.0);
    }

    /// Watches a folder for entries that come, go or are written.
    pub fn folder(&self, path: &Path) -> io::Result<()> {
        let what = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::MODIFY;
        inotify::add_watch(&self.inotify, path, what)?;
        Ok(())
    }

    /// Forgets the wake-ups that are waiting.
    pub fn clear(&self) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        while let Ok(count) = rustix::io::read(&self.inotify, &mut buffer) {
            if count.0.is_empty() {
                break;
            }
        }
    }

    /// How long to sleep at most without a wake-up: for ever, the kernel tells.
    pub fn tick(&self) -> Option<Duration> {
        None
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.inotify.as_raw_fd()
    }
}
