//! Without kernel events: the caller checks again after each `tick`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::os::watch::WatchId;
use crate::os::watch::subscribers::FileEvents;

/// Never readable.
#[derive(Debug)]
pub struct ChangeWatch {
    silent: (UnixStream, UnixStream),
}

impl ChangeWatch {
    pub fn new() -> io::Result<Self> {
        Ok(Self { silent: UnixStream::pair()? })
    }

    pub fn watch_file(&self, _path: &Path) -> io::Result<WatchId> {
        Ok(0)
    }

    pub fn watch_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    pub fn unwatch(&self, _watch: WatchId) {}

    pub fn clear(&self) {}

    pub fn tick(&self) -> Option<Duration> {
        Some(Duration::from_millis(100))
    }

    pub(super) fn add(&self, _path: &Path) -> io::Result<Option<WatchId>> {
        Ok(None)
    }

    pub(super) fn read_events(&self) -> FileEvents {
        FileEvents::default()
    }
}

impl AsFd for ChangeWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.silent.0.as_fd()
    }
}

impl AsRawFd for ChangeWatch {
    fn as_raw_fd(&self) -> RawFd {
        self.silent.0.as_raw_fd()
    }
}
