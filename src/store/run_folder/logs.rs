//! The logs in a run's folder: where they are, how long they are, and what opens them.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::store::log_part::LogPart;
use crate::store::run_folder::RunFolder;

impl RunFolder {
    pub fn stdout(&self) -> PathBuf {
        self.path.join("stdout.log")
    }

    pub fn stderr(&self) -> PathBuf {
        self.path.join("stderr.log")
    }

    /// What the set-up of a new worktree printed.
    pub fn setup_log(&self) -> PathBuf {
        self.path.join("setup.log")
    }

    /// Opens a log to append to, as the agent's own output.
    pub fn open_log(path: &Path) -> io::Result<fs::File> {
        fs::OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)
    }

    /// Opens the agent's stdout to read, from the byte where an attempt began.
    pub fn read_stdout(&self, from: u64) -> io::Result<LogPart> {
        LogPart::open(&self.stdout(), from)
    }

    /// When the agent last wrote to its stdout.
    pub fn stdout_written_at(&self) -> Option<jiff::Timestamp> {
        let at = fs::symlink_metadata(self.stdout()).and_then(|meta| meta.modified()).ok()?;
        let at = jiff::Timestamp::try_from(at).ok()?;
        jiff::Timestamp::from_millisecond(at.as_millisecond()).ok()
    }

    /// Bytes in the logs: stdout, stderr.
    pub fn log_lengths(&self) -> (u64, u64) {
        let size = |path: PathBuf| fs::symlink_metadata(path).map_or(0, |meta| meta.len());
        (size(self.stdout()), size(self.stderr()))
    }

    /// Bytes in both logs.
    pub fn log_bytes(&self) -> u64 {
        let (stdout, stderr) = self.log_lengths();
        stdout + stderr
    }
}
