//! Reads the new lines of a file that another program writes.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Most bytes of one read.
const READ_MAX: u64 = 8 << 20;

/// The position up to which a file was read. The file need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTail {
    path: PathBuf,
    at: u64,
}

impl FileTail {
    /// Reads what is appended from now on.
    pub fn of_what_comes(path: &Path) -> Self {
        let at = open(path).and_then(|file| file.metadata()).map_or(0, |meta| meta.len());
        Self { path: path.to_owned(), at }
    }

    /// Reads from the start of the file.
    pub fn of_all(path: &Path) -> Self {
        Self { path: path.to_owned(), at: 0 }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The complete lines since the last call; empty if the file does not exist.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut file = match open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file?,
        };
        file.seek(SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        file.take(READ_MAX).read_to_end(&mut bytes)?;
        match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => bytes.truncate(end + 1),
            // A line that is longer than one read is returned in parts.
            None if bytes.len() as u64 == READ_MAX => {}
            None => bytes.clear(),
        }
        self.at += bytes.len() as u64;
        Ok(bytes)
    }
}

/// The last `most` bytes of a file, as text.
pub(in crate::os) fn last_bytes(mut file: &File, most: u64) -> io::Result<String> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn only_whole_lines_and_each_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut early = FileTail::of_what_comes(&path);
        assert_eq!(early.read().unwrap(), b"");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(early.read().unwrap(), b"one\n");
        assert_eq!(FileTail::of_what_comes(&path).at, 6);
        file.write_all(b"o\nthree\n").unwrap();
        assert_eq!(early.read().unwrap(), b"two\nthree\n");
        assert_eq!(early.read().unwrap(), b"");
        assert_eq!(FileTail::of_all(&path).read().unwrap(), b"one\ntwo\nthree\n");
        assert!(FileTail::of_all(dir.path()).read().is_err(), "a folder");
    }
}
