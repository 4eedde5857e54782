//! Requests and marks in a run folder: a requested stop, an approved gate, an end that cannot be written.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use crate::os::process;
use crate::store::record_file;
use crate::store::run_folder::RunFolder;
use crate::store::unsaved_mark;

impl RunFolder {
    /// Requests a stop. The run's owner reads the request after it has written `live.json`, so an earlier request is
    /// not lost. The process `stopper` (pid, start time) makes sure that the run's processes end.
    pub fn request_stop(&self, interrupted: bool, stopper: (u32, u64)) -> io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(self.stop_path())?;
        let word = if interrupted { "interrupt" } else { "stop" };
        file.write_all(format!("{word} {} {}\n", stopper.0, stopper.1).as_bytes())
    }

    /// Requests a stop of a run on a node, whose supervisor ends all its processes itself.
    pub fn request_stop_of_node(&self, interrupted: bool) -> io::Result<()> {
        // No process has the pid 0.
        self.request_stop(interrupted, (0, 0))
    }

    /// `Some` once a stop was requested; `Some(true)`: by Ctrl-C.
    pub fn stop_requested(&self) -> Option<bool> {
        let bytes = record_file::read_bytes(&self.stop_path(), 64).ok()?;
        Some(bytes.starts_with(b"interrupt"))
    }

    /// Whether the process that requested the stop still lives.
    pub fn is_being_stopped(&self) -> bool {
        let Ok(bytes) = record_file::read_bytes(&self.stop_path(), 64) else { return false };
        let text = String::from_utf8_lossy(&bytes);
        let mut words = text.lines().next().unwrap_or_default().split(' ').skip(1);
        let pid = words.next().and_then(|word| word.parse().ok());
        let start = words.next().and_then(|word| word.parse().ok());
        // Earlier versions wrote no process.
        pid.zip(start).is_some_and(|(pid, start)| process::lives(pid, start))
    }

    /// Marks that the end is known but could not be written yet.
    pub fn mark_unsaved(&self) {
        unsaved_mark::set(&self.unsaved_path(), &self.live_path());
    }

    pub fn is_unsaved(&self) -> bool {
        unsaved_mark::is_set(&self.unsaved_path(), &self.live_path())
    }

    pub fn clear_unsaved(&self) {
        unsaved_mark::clear(&self.unsaved_path(), &self.live_path());
    }

    /// Records that a person approved the gate. Returns whether this call did it.
    pub fn approve(&self) -> io::Result<bool> {
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.approved_path()) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub fn is_approved(&self) -> bool {
        self.approved_path().exists()
    }

    fn approved_path(&self) -> PathBuf {
        self.path.join("approved")
    }
}
