//! inotify: one instance for all.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use crate::system::watch::hub::Watch;
use crate::system::watch::hub::table::Happened;

#[derive(Debug)]
pub(super) struct Kernel {
    inotify: OwnedFd,
}

impl Kernel {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)? })
    }

    /// Watches `path`; the same path again is the same watch. `None` where there are no more.
    pub(super) fn add(&self, path: &Path) -> io::Result<Option<Watch>> {
        // Of a folder not each write: who follows a log follows its file, and a flood of output
        // must not wake those who wait for an entry.
        let what = match std::fs::metadata(path)?.is_dir() {
            true => {
                WatchFlags::CREATE
                    | WatchFlags::MOVED_TO
                    | WatchFlags::MOVED_FROM
                    | WatchFlags::DELETE
                    | WatchFlags::CLOSE_WRITE
            }
            false => WatchFlags::MODIFY,
        };
        match inotify::add_watch(&self.inotify, path, what) {
            Ok(watch) => Ok(Some(watch)),
            Err(Errno::NOSPC | Errno::NOMEM) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn remove(&self, watch: Watch) {
        // One that is gone already is as good as removed.
        let _ = inotify::remove_watch(&self.inotify, watch);
    }

    /// What waits to be read, as far as one call of the kernel tells it: who is woken by the first
    /// should not wait for a second one that finds nothing.
    pub(super) fn read(&self) -> Happened {
        let mut happened = Happened::default();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            let watch = event.wd();
            let list = match event.events() {
                events if events.contains(ReadFlags::QUEUE_OVERFLOW) => {
                    happened.lost_some = true;
                    None
                }
                events if events.contains(ReadFlags::IGNORED) => Some(&mut happened.gone),
                _ => Some(&mut happened.changed),
            };
            if let Some(list) = list.filter(|list| !list.contains(&watch)) {
                list.push(watch);
            }
            if reader.is_buffer_empty() {
                break;
            }
        }
        happened
    }
}

impl AsFd for Kernel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
