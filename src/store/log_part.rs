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
    /// Where it ends, in bytes of the log; what is written later does not belong to it.
    until: Option<u64>,
}

impl LogPart {
    /// An agent may put anything where its log was: nothing is followed or waited for there.
    pub fn open(path: &Path, from: u64) -> io::Result<Self> {
        let mut file = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file any more"));
        }
        file.seek(SeekFrom::Start(from))?;
        Ok(Self { file, from, until: None })
    }

    /// The same part without what stands after byte `until` of the log.
    pub fn up_to(self, until: Option<u64>) -> Self {
        Self { until, ..self }
    }
}

impl Read for LogPart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(until) = self.until else { return self.file.read(buffer) };
        let left = until.saturating_sub(self.file.stream_position()?);
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        self.file.read(&mut buffer[..size])
    }
}

impl Seek for LogPart {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match (to, self.until) {
            (SeekFrom::Start(at), _) => SeekFrom::Start(self.from.saturating_add(at)),
            (SeekFrom::End(by), Some(until)) => {
                let end = self.file.metadata()?.len().min(until);
                SeekFrom::Start(end.saturating_add_signed(by))
            }
            (other, _) => other,
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
        let mut middle = LogPart::open(&path, 6).unwrap().up_to(Some(9));
        assert_eq!(middle.seek(SeekFrom::End(0)).unwrap(), 3);
        assert_eq!(middle.seek(SeekFrom::Start(1)).unwrap(), 1);
        let mut text = String::new();
        middle.read_to_string(&mut text).unwrap();
        assert_eq!(text, "ec");
        let mut beyond = LogPart::open(&path, 100).unwrap();
        assert_eq!((beyond.seek(SeekFrom::End(0)).unwrap(), beyond.read(&mut [0; 4]).unwrap()), (0, 0));
    }
}
