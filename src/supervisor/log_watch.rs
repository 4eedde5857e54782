//! Wakes a supervisor when its job writes to a log, and writes the log marks that date the output.
//!
//! While the logs grow they are polled and not watched, since each watched write costs the agent a little.

use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

use crate::os::clock;
use crate::os::watch::{ChangeWatch, WatchId};
use crate::store::logs::marks::MarkWriter;
use crate::store::run_folder::RunFolder;
use crate::supervisor::wakeups::{self, after};

/// Least time between two log marks, so that much output costs little.
pub(super) const MARK_STEP: Duration = Duration::from_millis(20);

pub(super) struct LogWatch<'a> {
    folder: &'a RunFolder,
    marks: MarkWriter,
    /// `None` before the agent's first attempt, and where the kernel has no watch left.
    watch: Option<AsyncFd<ChangeWatch>>,
    watched: Vec<WatchId>,
    /// The lengths of the logs at the last mark: stdout, stderr.
    noted: (u64, u64),
}

impl<'a> LogWatch<'a> {
    pub(super) fn new(folder: &'a RunFolder) -> Self {
        let marks = MarkWriter::new(&folder.marks());
        Self { folder, marks, watch: None, watched: Vec::new(), noted: (0, 0) }
    }

    /// Prepares the watch of an attempt, reusing that of an earlier one. Without a watch the logs are complete, but
    /// less finely dated.
    pub(super) fn open(&mut self) {
        self.unset();
        if self.watch.is_none() {
            let watch = ChangeWatch::new().and_then(|watch| {
                #[expect(
                    deprecated,
                    reason = "its successor is unsafe; a `ChangeWatch` owns one descriptor for its whole life"
                )]
                AsyncFd::new(watch)
            });
            self.watch = watch.ok();
        }
    }

    /// Makes the next write to a log wake the supervisor. Returns when to check if a write came already.
    pub(super) fn set(&mut self) -> Option<Instant> {
        let watch = self.watch.as_ref()?.get_ref();
        for log in [self.folder.stdout(), self.folder.stderr()] {
            // The agent may have removed a log; it is then not watched.
            self.watched.extend(watch.watch_file(&log).ok());
        }
        (self.folder.log_lengths() != self.noted).then(|| {
            self.unset();
            after(MARK_STEP)
        })
    }

    pub(super) fn unset(&mut self) {
        if let Some(watch) = &self.watch {
            for watched in self.watched.drain(..) {
                watch.get_ref().unwatch(watched);
            }
        }
    }

    /// Writes a log mark, and returns the lengths of the logs.
    pub(super) fn note(&mut self) -> (u64, u64) {
        if let Some(watch) = &self.watch {
            watch.get_ref().clear();
        }
        self.noted = self.folder.log_lengths();
        // Without a mark the logs are complete, only less finely dated.
        let _ = self.marks.note(clock::now(), self.noted.0, self.noted.1);
        self.noted
    }

    pub(super) fn noted(&self) -> (u64, u64) {
        self.noted
    }

    /// Resolves when a log was written to.
    pub(super) async fn written(&self) {
        wakeups::log_written(self.watch.as_ref()).await;
    }

    /// Hands over the watch, for the caller to drop after the locks are released.
    pub(super) fn take(&mut self) -> Option<AsyncFd<ChangeWatch>> {
        self.watch.take()
    }
}
