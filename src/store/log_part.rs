//! Reads a log from a byte offset on, optionally up to an end; `Seek` positions are relative to that offset.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

#[derive(Debug)]
pub struct LogPart {
    file: File,
    from: u64,
    /// End offset in the log, in bytes. Later output is excluded.
    until: Option<u64>,
}

impl LogPart {
    /// Follows no link and never blocks. Fails where the agent replaced its log by anything but a regular file.
    pub fn open(path: &Path, from: u64) -> io::Result<Self> {
        let mut file = File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file any more"));
        }
        file.seek(SeekFrom::Start(from))?;
        Ok(Self { file, from, until: None })
    }

    /// Limits the part to the bytes before offset `until` of the log.
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
        // A log truncated below `from` is empty here; without this its length would be negative.
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
