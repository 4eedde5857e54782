//! Checks whether a folder can hold records: the kind of its file system, its free space, and whether locks,
//! renames and syncs work there. Must leave nothing behind.

#[cfg(all(target_os = "linux", not(dispatch_posix)))]
mod linux;
#[cfg(all(target_os = "linux", not(dispatch_posix)))]
pub use linux::served_by;

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What does not work in a folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("nothing can be written there: {0}")]
    Write(#[source] io::Error),
    #[error("locks do not work there: {0}")]
    Lock(#[source] io::Error),
    #[error("a lock that is held does not keep others out there")]
    LockIgnored,
    #[error("files cannot be renamed there: {0}")]
    Rename(#[source] io::Error),
    #[error("what is written cannot be synced there: {0}")]
    Sync(#[source] io::Error),
}

/// The result if everything works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderTest {
    /// The clock difference between the file system (a file server has its own clock) and this host.
    pub skew: Duration,
}

/// Creates, writes, locks, syncs and renames a temporary file in `folder`.
pub fn try_out(folder: &Path) -> Result<FolderTest, FolderError> {
    let mut file =
        tempfile::Builder::new().prefix(".dispatch-probe-").tempfile_in(folder).map_err(FolderError::Write)?;
    let before = SystemTime::now();
    file.write_all(b"probe\n").map_err(FolderError::Write)?;
    file.as_file().sync_all().map_err(FolderError::Sync)?;
    let after = SystemTime::now();
    let written = file.as_file().metadata().and_then(|meta| meta.modified()).map_err(FolderError::Write)?;
    file.as_file().try_lock().map_err(|error| FolderError::Lock(error.into()))?;
    let second = File::open(file.path()).map_err(FolderError::Lock)?;
    match second.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(FolderError::Lock(error)),
        Ok(()) => return Err(FolderError::LockIgnored),
    }
    let renamed = PathBuf::from(format!("{}-2", file.path().display()));
    let file = file.persist_noclobber(&renamed).map_err(|error| FolderError::Rename(error.error))?;
    drop(file);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    std::fs::remove_file(&renamed).map_err(FolderError::Rename)?;
    synced.map_err(FolderError::Sync)?;
    Ok(FolderTest { skew: outside(written, before, after) })
}

/// The distance of `at` from the span `before` to `after`; zero inside it.
fn outside(at: SystemTime, before: SystemTime, after: SystemTime) -> Duration {
    let early = before.duration_since(at).unwrap_or_default();
    early.max(at.duration_since(after).unwrap_or_default())
}

/// The type of a network file system (`NFS`); `None` if it is local or the system cannot tell.
#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
pub fn served_by(_folder: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// Bytes that this user may still write in the file system of `folder`.
pub fn free(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Creates a folder of the user's, with its parents; one that exists is fine.
pub fn create(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// Whether this process may create files in `folder`.
pub fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}

/// `path`, or its nearest ancestor that is a folder.
pub fn nearest(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|part| part.is_dir()).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_ours_works_and_is_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let tried = try_out(dir.path()).unwrap();
        // A local disk records times at kernel ticks, so they lag a little.
        assert!(tried.skew < Duration::from_secs(1), "{tried:?}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(free(dir.path()).unwrap() > 0);
        assert!(is_writable(dir.path()) && !is_writable(&dir.path().join("none")));
        assert_eq!(nearest(&dir.path().join("a/b")), Some(dir.path().to_owned()));
        assert!(matches!(try_out(&dir.path().join("none")), Err(FolderError::Write(_))));
    }

    #[test]
    fn a_clock_is_off_by_what_lies_outside() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(outside(at(5), at(4), at(6)), Duration::ZERO);
        assert_eq!(outside(at(1), at(4), at(6)), Duration::from_secs(3));
        assert_eq!(outside(at(9), at(4), at(6)), Duration::from_secs(3));
    }
}
