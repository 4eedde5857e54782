//! inotify.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::os::watch::WatchId;
use crate::os::watch::subscribers::FileEvents;

/// Readable when a watched file grows, or an entry of a watched folder appears, disappears or is written.
#[derive(Debug)]
pub struct ChangeWatch {
    inotify: OwnedFd,
}

impl ChangeWatch {
    pub fn new() -> io::Result<Self> {
        Ok(Self { inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)? })
    }

    /// Watches a file for writes.
    pub fn watch_file(&self, path: &Path) -> io::Result<WatchId> {
        Ok(inotify::add_watch(&self.inotify, path, WatchFlags::MODIFY)?)
    }

    /// Watches a folder for entries that appear, disappear or are written.
    pub fn watch_folder(&self, path: &Path) -> io::Result<()> {
        let events = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::MODIFY;
        inotify::add_watch(&self.inotify, path, events)?;
        Ok(())
    }

    pub fn unwatch(&self, watch: WatchId) {
        // Fails if the file was removed: the kernel then removed the watch.
        let _ = inotify::remove_watch(&self.inotify, watch);
    }

    /// Forgets the events so far.
    pub fn clear(&self) {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        while rustix::io::read(&self.inotify, &mut buffer).is_ok_and(|(read, _)| !read.is_empty()) {}
    }

    /// How long to sleep at most without an event: unlimited.
    pub fn tick(&self) -> Option<Duration> {
        None
    }

    /// Watches a file or folder for [`Self::read_events`]; one path has one watch. `None` if the kernel allows no more.
    pub(super) fn add(&self, path: &Path) -> io::Result<Option<WatchId>> {
        // A folder is not watched for each write: a log is watched as a file, and its output must not wake the
        // subscribers of its folder.
        let events = match std::fs::metadata(path)?.is_dir() {
            true => {
                WatchFlags::CREATE
                    | WatchFlags::MOVED_TO
                    | WatchFlags::MOVED_FROM
                    | WatchFlags::DELETE
                    | WatchFlags::CLOSE_WRITE
            }
            false => WatchFlags::MODIFY,
        };
        match inotify::add_watch(&self.inotify, path, events) {
            Ok(watch) => Ok(Some(watch)),
            Err(Errno::NOSPC | Errno::NOMEM) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The events of one read. More are left for the next call, so that the first subscribers are woken early.
    pub(super) fn read_events(&self) -> FileEvents {
        let mut found = FileEvents::default();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            let watch = event.wd();
            let list = match event.events() {
                events if events.contains(ReadFlags::QUEUE_OVERFLOW) => {
                    found.overflowed = true;
                    None
                }
                events if events.contains(ReadFlags::IGNORED) => Some(&mut found.gone),
                _ => Some(&mut found.changed),
            };
            if let Some(list) = list.filter(|list| !list.contains(&watch)) {
                list.push(watch);
            }
            if reader.is_buffer_empty() {
                break;
            }
        }
        found
    }
}

impl AsFd for ChangeWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

impl AsRawFd for ChangeWatch {
    fn as_raw_fd(&self) -> RawFd {
        self.inotify.as_raw_fd()
    }
}
