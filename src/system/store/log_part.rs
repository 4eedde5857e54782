//! A log from one byte on, as if it began there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// An open log whose first bytes are left out.
#[derive(Debug)]
pub struct LogPart {
    file: File,
    from: u64,
}

impl LogPart {
    /// An agent may put anything where its log was: nothing is followed or waited for there.
    pub fn open(path: &Path, from: u64) -> io::Result<Self> {
        let mut file = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file any more"));
        }
        file.seek(SeekFrom::Start(from))?;
        Ok(Self { file, from })
    }
}

impl Read for LogPart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for LogPart {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => SeekFrom::Start(self.from.saturating_add(at)),
            other => other,
        };
        let at = self.file.seek(to)?;
        // A log that was cut is empty from here, not of a negative length.
        if at < self.from { self.file.seek(SeekFrom::Start(self.from)).map(|_| 0) } else { Ok(at - self.from) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "first\nsecond\n").unwrap();
        let mut part = LogPart::open(&path, 6).unwrap();
        assert_eq!(part.seek(SeekFrom::End(0)).unwrap(), 7);
        assert_eq!(part.seek(SeekFrom::Start(2)).unwrap(), 2);
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        assert_eq!(text, "cond\n");
        assert_eq!(part.seek(SeekFrom::End(-9)).unwrap(), 0);
        let mut beyond = LogPart::open(&path, 100).unwrap();
        assert_eq!((beyond.seek(SeekFrom::End(0)).unwrap(), beyond.read(&mut [0; 4]).unwrap()), (0, 0));
    }
}
