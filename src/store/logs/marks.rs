//! Log marks: the lengths of both logs at a time. Readers use them to interleave the logs and to date their output.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// One line of `marks`: milliseconds since 1970 and the lengths in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogMark {
    pub at_ms: i64,
    pub stdout: u64,
    pub stderr: u64,
}

impl LogMark {
    pub fn at(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.at_ms).ok()
    }
}

/// Appends log marks. Only the supervisor writes them.
#[derive(Debug)]
pub struct MarkWriter {
    path: PathBuf,
    /// Created with the first mark: an agent that prints nothing has no such file.
    file: Option<File>,
    last: (u64, u64),
}

impl MarkWriter {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, last: (0, 0) }
    }

    /// Appends the lengths, unless they equal those of the last mark.
    pub fn note(&mut self, at: Timestamp, stdout: u64, stderr: u64) -> io::Result<()> {
        if self.last != (stdout, stderr) {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(
                    fs::OpenOptions::new()
                        .append(true)
                        .create(true)
                        .mode(0o600)
                        .custom_flags(libc::O_NOFOLLOW)
                        .open(&self.path)?,
                ),
            };
            file.write_all(format!("{} {stdout} {stderr}\n", at.as_millisecond()).as_bytes())?;
            self.last = (stdout, stderr);
        }
        Ok(())
    }
}

/// Bytes that are read at once.
const BLOCK: u64 = 64 * 1024;

/// Reads marks as they are written, each once.
#[derive(Debug, Default)]
pub struct MarkReader {
    at: u64,
    last: (u64, u64),
}

impl MarkReader {
    /// The next marks since the last call; empty once all are read. An incomplete last line is left for the next call.
    pub fn read_new(&mut self, path: &Path) -> io::Result<Vec<LogMark>> {
        let mut file =
            match fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                other => other?,
            };
        file.seek(io::SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        file.take(BLOCK).read_to_end(&mut bytes)?;
        let mut marks = Vec::new();
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let Some(mark) = parse(line) else { break };
            // Lengths only grow: a line with a smaller one is damaged.
            if mark.stdout < self.last.0 || mark.stderr < self.last.1 {
                break;
            }
            self.last = (mark.stdout, mark.stderr);
            self.at += line.len() as u64;
            marks.push(mark);
        }
        Ok(marks)
    }
}

fn parse(line: &[u8]) -> Option<LogMark> {
    let text = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let mut fields = text.split(' ');
    let mark = LogMark {
        at_ms: fields.next()?.parse().ok()?,
        stdout: fields.next()?.parse().ok()?,
        stderr: fields.next()?.parse().ok()?,
    };
    fields.next().is_none().then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_round_trip_and_a_torn_end_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("marks");
        let read = |path: &Path| MarkReader::default().read_new(path);
        assert_eq!(read(&path).unwrap(), []);
        let mut writer = MarkWriter::new(&path);
        let at = Timestamp::from_millisecond(1000).unwrap();
        writer.note(at, 5, 0).unwrap();
        writer.note(at, 5, 0).unwrap();
        writer.note(at, 5, 7).unwrap();
        let whole = [LogMark { at_ms: 1000, stdout: 5, stderr: 0 }, LogMark { at_ms: 1000, stdout: 5, stderr: 7 }];
        assert_eq!(read(&path).unwrap(), whole);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let mut reader = MarkReader::default();
        assert_eq!(reader.read_new(&path).unwrap(), whole[..1]);
        fs::write(&path, &bytes).unwrap();
        assert_eq!(reader.read_new(&path).unwrap(), whole[1..], "each mark once, the torn one when it is whole");
    }
}
