//! A text file of the user's: read, and replaced whole if no other process changed it.
//!
//! Follows links, but not out of the given folder.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Why a file cannot be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum TextFileError {
    #[error("it leads out of the project")]
    Outside,
    #[error("it is not a regular file")]
    NotRegular,
    #[error("it is more than {} KiB", .0 >> 10)]
    TooLarge(u64),
    #[error("it was created meanwhile")]
    Exists,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A locked file, which no other `dispatch` can replace meanwhile; or the path of a file that does not exist.
#[derive(Debug)]
pub struct TextFile {
    /// Resolved.
    path: PathBuf,
    /// Locked.
    file: Option<File>,
    bytes: Vec<u8>,
}

impl TextFile {
    /// Locks and reads the file at `path` below the resolved folder `root`. Fails if it is no regular file, lies
    /// outside `root` or has more than `max` bytes.
    pub fn hold(root: &Path, path: &Path, max: u64) -> Result<Self, TextFileError> {
        loop {
            let Some(path) = real(root, path)? else {
                let (folder, name) = (path.parent().unwrap_or(root), path.file_name().unwrap_or_default());
                let folder = real(root, folder)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                return Ok(Self { path: folder.join(name), file: None, bytes: Vec::new() });
            };
            // Opening a FIFO would wait for a writer.
            let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
            let file = OpenOptions::new().read(true).custom_flags(flags).open(&path)?;
            let about = file.metadata()?;
            if !about.is_file() {
                return Err(TextFileError::NotRegular);
            }
            file.lock()?;
            // The previous holder of the lock may have replaced the file by a rename.
            let same = |now: fs::Metadata| (now.dev(), now.ino()) == (about.dev(), about.ino());
            if !fs::symlink_metadata(&path).is_ok_and(same) {
                continue;
            }
            let mut bytes = Vec::new();
            (&file).take(max + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > max {
                return Err(TextFileError::TooLarge(max));
            }
            return Ok(Self { path, file: Some(file), bytes });
        }
    }

    /// Whether anything exists at `path`, a link included.
    pub fn exists(path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok()
    }

    /// The content; `None` if there is no file.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.file.as_ref().map(|_| self.bytes.as_slice())
    }

    /// Replaces the file with `bytes` and keeps its mode. A reader sees the old or the new content. Fails with
    /// [`TextFileError::Exists`] if another process created a file that did not exist.
    pub fn replace(self, bytes: &[u8]) -> Result<(), TextFileError> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        // The umask decides the mode of a new file.
        let mut fresh =
            tempfile::Builder::new().prefix(".new-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
        fresh.write_all(bytes)?;
        match &self.file {
            Some(file) => {
                let mode = file.metadata()?.mode() & 0o777;
                fresh.as_file().set_permissions(Permissions::from_mode(mode))?;
                fresh.as_file().sync_all()?;
                fresh.persist(&self.path).map_err(|error| error.error)?;
            }
            None => {
                fresh.as_file().sync_all()?;
                fresh.persist_noclobber(&self.path).map_err(|error| match error.error.kind() {
                    io::ErrorKind::AlreadyExists => TextFileError::Exists,
                    _ => TextFileError::Io(error.error),
                })?;
            }
        }
        File::open(folder)?.sync_all()?;
        Ok(())
    }
}

/// `path` resolved; `None` if nothing exists there.
fn real(root: &Path, path: &Path) -> Result<Option<PathBuf>, TextFileError> {
    match fs::canonicalize(path) {
        Ok(found) if found.starts_with(root) => Ok(Some(found)),
        Ok(_) => Err(TextFileError::Outside),
        // A dangling link occupies the path.
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::symlink_metadata(path) {
            Ok(_) => Err(TextFileError::NotRegular),
            Err(_) => Ok(None),
        },
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u64 = 100;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        (dir, root)
    }

    #[test]
    fn replacing_keeps_the_mode_and_leaves_nothing_else() {
        let (_dir, root) = folder();
        let path = root.join("a");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let held = TextFile::hold(&root, &path, MAX).unwrap();
        assert_eq!(held.bytes(), Some(&b"old"[..]));
        held.replace(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(&root).unwrap().count(), 1);
    }

    #[test]
    fn a_free_place_is_filled_once() {
        let (_dir, root) = folder();
        let path = root.join("a");
        let first = TextFile::hold(&root, &path, MAX).unwrap();
        let second = TextFile::hold(&root, &path, MAX).unwrap();
        assert_eq!(first.bytes(), None);
        first.replace(b"1").unwrap();
        assert!(matches!(second.replace(b"2"), Err(TextFileError::Exists)));
        assert_eq!(fs::read(&path).unwrap(), b"1");
    }

    #[test]
    fn links_lead_nowhere_else() {
        let (_dir, root) = folder();
        let (_other, outside) = folder();
        fs::write(outside.join("secret"), "x").unwrap();
        std::os::unix::fs::symlink(outside.join("secret"), root.join("out")).unwrap();
        std::os::unix::fs::symlink(&outside, root.join("folder")).unwrap();
        std::os::unix::fs::symlink("inside", root.join("in")).unwrap();
        assert!(matches!(TextFile::hold(&root, &root.join("out"), MAX), Err(TextFileError::Outside)));
        assert!(matches!(TextFile::hold(&root, &root.join("folder/new"), MAX), Err(TextFileError::Outside)));
        assert!(matches!(TextFile::hold(&root, &root.join("in"), MAX), Err(TextFileError::NotRegular)));
        fs::write(root.join("inside"), "y").unwrap();
        TextFile::hold(&root, &root.join("in"), MAX).unwrap().replace(b"z").unwrap();
        assert_eq!(fs::read(root.join("inside")).unwrap(), b"z");
        assert!(fs::symlink_metadata(root.join("in")).unwrap().is_symlink());
    }

    #[test]
    fn what_is_no_small_file_is_refused() {
        let (_dir, root) = folder();
        fs::write(root.join("big"), [b'x'; 101]).unwrap();
        assert!(matches!(TextFile::hold(&root, &root.join("big"), MAX), Err(TextFileError::TooLarge(MAX))));
        rustix::fs::mkfifoat(rustix::fs::CWD, root.join("fifo"), rustix::fs::Mode::RUSR).unwrap();
        assert!(matches!(TextFile::hold(&root, &root.join("fifo"), MAX), Err(TextFileError::NotRegular)));
        assert!(matches!(TextFile::hold(&root, &root, MAX), Err(TextFileError::NotRegular)));
    }
}
