//! Whether a worktree's set-up (copies and command) is still to be done.
//!
//! A marker file in the worktree's private git folder records it: invisible to the user, removed with the worktree, and
//! kept after a failure or a kill. While git creates the worktree, that folder does not exist; meanwhile the
//! repository's lock file contains the path. Must not run git, since it is called at every start.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::os::git::checkout::{common_dir_of, git_dir_of};
use crate::os::git::error::GitError;

const MARKER: &str = "dispatch-setup-pending";
/// In the repository's common folder, so that all checkouts use one file.
const LOCK: &str = "dispatch-worktree.lock";

/// Whether we created the worktree at `path` and its set-up has not succeeded. `false` if it is missing or the user
/// created it.
pub fn setup_is_pending(path: &Path) -> bool {
    let Some(git_dir) = git_dir_of(path) else { return false };
    if git_dir.join(MARKER).exists() {
        return true;
    }
    let noted = common_dir_of(path).and_then(|common| note_in(File::open(common.join(LOCK)).ok()?));
    noted.is_some_and(|noted| noted == resolved(path))
}

/// A pending set-up, which only this process may do.
#[derive(Debug)]
pub struct PendingSetup {
    marker: PathBuf,
    /// Other starters wait for this lock; the kernel releases it when this process dies.
    lock: File,
}

/// What a marker holds once the worktree has its submodules and copies.
const FILES_ARE_READY: &[u8] = b"only the set-up command is left\n";

/// Whether only the set-up command of the pending worktree at `path` is left.
pub fn only_command_is_left(path: &Path) -> bool {
    let marker = git_dir_of(path).map(|dir| dir.join(MARKER));
    marker.and_then(|marker| fs::read(marker).ok()).is_some_and(|noted| noted == FILES_ARE_READY)
}

impl PendingSetup {
    /// Takes the set-up of the worktree at `path`; `None` if none is pending. Waits while another starter does it, and
    /// takes it over if that one fails.
    pub fn take(path: &Path) -> Result<Option<Self>, GitError> {
        let Some(marker) = git_dir_of(path).map(|dir| dir.join(MARKER)) else { return Ok(None) };
        let io = |source| GitError::Io { doing: "lock", path: marker.clone(), source };
        // For writing, too: on NFS, a file that is open for reading alone takes no exclusive lock.
        let lock = match OpenOptions::new().read(true).write(true).open(&marker) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
        };
        lock.lock().map_err(io)?;
        Ok(marker.exists().then_some(Self { marker, lock }))
    }

    /// Records that only the set-up command is left, and that another process does it.
    pub fn leave_command(mut self) -> Result<(), GitError> {
        let written = self.lock.set_len(0).and_then(|()| self.lock.write_all(FILES_ARE_READY));
        written.map_err(|source| GitError::Io { doing: "write", path: self.marker, source })
    }

    /// Records that the set-up succeeded, so that it is not run again.
    pub fn finish(self) -> Result<(), GitError> {
        fs::remove_file(&self.marker).map_err(|source| GitError::Io { doing: "remove", path: self.marker, source })
    }
}

/// The exclusive right to create a worktree in a repository. Released when dropped, also by a kill.
pub(super) struct CreationLock {
    path: PathBuf,
    lock: File,
}

impl CreationLock {
    /// Waits while another starter creates a worktree. Marks a worktree that a killed starter left as pending.
    pub(super) fn take(common: &Path) -> Result<Self, GitError> {
        let path = common.join(LOCK);
        let io = |source| GitError::Io { doing: "lock", path: path.clone(), source };
        let lock = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        lock.lock().map_err(io)?;
        let mut creation = Self { path, lock };
        if let Some(left) = creation.lock.try_clone().ok().and_then(note_in) {
            creation.finished(&left)?;
        }
        Ok(creation)
    }

    /// Whether some process is creating a worktree.
    pub(super) fn is_held(common: &Path) -> bool {
        let lock = File::open(common.join(LOCK));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Records that the worktree at `path` is about to be created.
    pub(super) fn record(&mut self, path: &Path) -> Result<(), GitError> {
        self.write(resolved(path).as_os_str().as_bytes())
    }

    /// Records that git has created the worktree at `path`, or failed: an existing one is marked as pending.
    pub(super) fn finished(&mut self, path: &Path) -> Result<(), GitError> {
        if let Some(marker) = git_dir_of(path).filter(|dir| dir.is_dir()).map(|dir| dir.join(MARKER)) {
            File::create(&marker).map_err(|source| GitError::Io { doing: "write", path: marker, source })?;
        }
        self.write(b"")
    }

    fn write(&mut self, note: &[u8]) -> Result<(), GitError> {
        let mut write = || {
            self.lock.set_len(0)?;
            self.lock.rewind()?;
            self.lock.write_all(note)
        };
        write().map_err(|source| GitError::Io { doing: "write", path: self.path.clone(), source })
    }
}

fn note_in(mut lock: File) -> Option<PathBuf> {
    let mut note = Vec::new();
    lock.rewind().ok()?;
    lock.take(8 * 1024).read_to_end(&mut note).ok()?;
    (!note.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(&note)))
}

/// The path as git records it: without `..` and links, as far as it exists.
pub fn resolved(path: &Path) -> PathBuf {
    let known = path.ancestors().find_map(|part| Some((part, fs::canonicalize(part).ok()?)));
    match known.and_then(|(part, real)| Some(real.join(path.strip_prefix(part).ok()?))) {
        Some(real) => real,
        None => path.to_owned(),
    }
}
