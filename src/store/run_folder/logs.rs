//! The logs in a run folder: paths, lengths and how they are opened.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::store::log_part::LogPart;
use crate::store::run_folder::RunFolder;

impl RunFolder {
    pub fn stdout(&self) -> PathBuf {
        self.path.join("stdout.log")
    }

    pub fn stderr(&self) -> PathBuf {
        self.path.join("stderr.log")
    }

    /// Output of the set-up of a new worktree.
    pub fn setup_log(&self) -> PathBuf {
        self.path.join("setup.log")
    }

    /// Opens a log for appending, creating it with mode 0600.
    pub fn open_log(path: &Path) -> io::Result<fs::File> {
        fs::OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)
    }

    /// Opens stdout for reading from byte `from`, where an attempt began.
    pub fn read_stdout(&self, from: u64) -> io::Result<LogPart> {
        LogPart::open(&self.stdout(), from)
    }

    /// When stdout was last written to, in whole milliseconds.
    pub fn stdout_written_at(&self) -> Option<jiff::Timestamp> {
        let at = fs::symlink_metadata(self.stdout()).and_then(|meta| meta.modified()).ok()?;
        let at = jiff::Timestamp::try_from(at).ok()?;
        jiff::Timestamp::from_millisecond(at.as_millisecond()).ok()
    }

    /// Lengths of stdout and stderr, in bytes.
    pub fn log_lengths(&self) -> (u64, u64) {
        let size = |path: PathBuf| fs::symlink_metadata(path).map_or(0, |meta| meta.len());
        (size(self.stdout()), size(self.stderr()))
    }

    pub fn log_bytes(&self) -> u64 {
        let (stdout, stderr) = self.log_lengths();
        stdout + stderr
    }
}
