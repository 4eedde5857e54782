//! Reads both logs of a run in the order in which they were written, given by the log marks, from any point on. Each
//! byte is read once, with or without marks. Must not wait: at the end of the logs the caller decides when to read
//! again.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use jiff::Timestamp;

use crate::store::logs::extent::LogExtent;
use crate::store::logs::marks::{LogMark, MarkReader};
use crate::store::run_folder::RunFolder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStream {
    Stdout,
    Stderr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogStreams {
    pub stdout: bool,
    pub stderr: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    Start,
    /// The last lines, counted over both logs.
    Tail(u64),
    /// Output that was written at or after this time.
    Since(Timestamp),
    /// Offsets in bytes. One beyond the end waits until the log is longer.
    At {
        stdout: u64,
        stderr: u64,
    },
}

#[derive(Debug)]
pub struct LogPiece<'a> {
    pub stream: LogStream,
    /// Offset of the first byte in its log.
    pub offset: u64,
    /// When the supervisor observed it, where that is known.
    pub at: Option<Timestamp>,
    pub bytes: &'a [u8],
}

/// A range of one log between two log marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    stream: LogStream,
    start: u64,
    end: u64,
    at: Option<Timestamp>,
}

impl Segment {
    fn piece(self, bytes: &[u8]) -> LogPiece<'_> {
        LogPiece { stream: self.stream, offset: self.start, at: self.at, bytes }
    }
}

const CHUNK: usize = 64 * 1024;

/// Largest buffer, in bytes, that is kept while there is nothing to read.
const KEPT: usize = 4096;

/// Follows the logs of one run. Holds two files and two offsets, whatever the size of the logs.
#[derive(Debug)]
pub struct RunLogReader {
    folder: RunFolder,
    streams: LogStreams,
    stdout: Option<Arc<File>>,
    stderr: Option<Arc<File>>,
    position: (u64, u64),
    pending: VecDeque<Segment>,
    /// False where the caller reads by offset: then adjoining ranges become one piece.
    timed: bool,
    marks: MarkReader,
    buffer: Vec<u8>,
}

impl RunLogReader {
    pub fn open(folder: &RunFolder, streams: LogStreams, from: ReadFrom) -> io::Result<Self> {
        let mut reader = Self {
            folder: folder.clone(),
            streams,
            stdout: None,
            stderr: None,
            position: (0, 0),
            pending: VecDeque::new(),
            timed: !matches!(from, ReadFrom::At { .. }),
            marks: MarkReader::default(),
            buffer: Vec::new(),
        };
        match from {
            ReadFrom::Start => {}
            ReadFrom::At { stdout, stderr } => reader.position = (stdout, stderr),
            ReadFrom::Since(since) => {
                while reader.queue_new()? {}
                reader.pending.retain(|segment| segment.at.is_none_or(|at| at >= since));
            }
            ReadFrom::Tail(lines) => {
                while reader.queue_new()? {}
                reader.keep_last(lines)?;
            }
        }
        Ok(reader)
    }

    /// Passes all present bytes to `sink`, in order, and returns their number. Fails where `sink` fails.
    pub fn read(&mut self, sink: &mut dyn FnMut(LogPiece<'_>) -> io::Result<()>) -> io::Result<u64> {
        let mut total = 0;
        while let Some(piece) = self.next(CHUNK)? {
            total += piece.bytes.len() as u64;
            sink(piece)?;
        }
        Ok(total)
    }

    /// The next piece of at most `most` bytes; `None` where all present bytes are read.
    pub fn next(&mut self, most: usize) -> io::Result<Option<LogPiece<'_>>> {
        while let Some(want) = self.ahead()? {
            let want = want.min(most.max(1));
            let mut buffer = std::mem::take(&mut self.buffer);
            if buffer.len() < want {
                buffer.resize(want.next_power_of_two().max(KEPT), 0);
            }
            let read = self.read_front(&mut buffer[..want]);
            self.buffer = buffer;
            if let Some((segment, count)) = read? {
                return Ok(Some(segment.piece(&self.buffer[..count])));
            }
        }
        if self.buffer.len() > KEPT {
            self.buffer = Vec::new();
        }
        Ok(None)
    }

    /// Like [`Self::next`], into the caller's buffer: returns the log, the offset and the number of bytes.
    pub fn next_into(&mut self, into: &mut [u8]) -> io::Result<Option<(LogStream, u64, usize)>> {
        while let Some(want) = self.ahead()? {
            let want = want.min(into.len());
            if let Some((segment, count)) = self.read_front(&mut into[..want])? {
                return Ok(Some((segment.stream, segment.start, count)));
            }
        }
        Ok(None)
    }

    /// The next range of one log, unread, of at most `most` bytes. `None` where fewer than `least` bytes adjoin:
    /// reading those is cheaper.
    pub fn next_extent(&mut self, least: usize, most: usize) -> io::Result<Option<LogExtent>> {
        let Some(want) = self.ahead()?.filter(|ahead| *ahead >= least) else { return Ok(None) };
        let Some(&segment) = self.pending.front() else { return Ok(None) };
        let Some(file) = self.file(segment.stream) else { return Ok(None) };
        let count = want.min(most) as u64;
        // `next` handles a truncated log.
        if length(Some(file))? < segment.start + count {
            return Ok(None);
        }
        let extent = LogExtent::new(file, segment.start, count);
        self.consume(count);
        Ok(Some(extent))
    }

    fn file(&self, stream: LogStream) -> Option<&Arc<File>> {
        match stream {
            LogStream::Stdout => self.stdout.as_ref(),
            LogStream::Stderr => self.stderr.as_ref(),
        }
    }

    /// Removes `count` bytes from the front of the queue.
    fn consume(&mut self, count: u64) {
        if let Some(front) = self.pending.front_mut() {
            front.start += count;
            if front.start >= front.end {
                self.pending.pop_front();
            }
        }
    }

    /// Number of adjoining bytes at the front of the queue, which is filled first if it is empty.
    fn ahead(&mut self) -> io::Result<Option<usize>> {
        if self.pending.is_empty() {
            self.queue_new()?;
        }
        let front = self.pending.front();
        Ok(front.map(|segment| usize::try_from(segment.end - segment.start).unwrap_or(usize::MAX)))
    }

    /// Reads the front of the queue. `None`: the agent truncated its log, and the range is dropped.
    fn read_front(&mut self, into: &mut [u8]) -> io::Result<Option<(Segment, usize)>> {
        let Some(&segment) = self.pending.front() else { return Ok(None) };
        let count = match self.file(segment.stream) {
            Some(file) => rustix::io::retry_on_intr(|| rustix::io::pread(file, &mut *into, segment.start))?,
            None => 0,
        };
        if count == 0 {
            self.pending.pop_front();
            return Ok(None);
        }
        self.consume(count as u64);
        Ok(Some((segment, count)))
    }

    /// Queues what was written since the last call. Returns whether more can be queued: marks are read in blocks.
    fn queue_new(&mut self) -> io::Result<bool> {
        if self.stdout.is_none() && self.streams.stdout {
            self.stdout = open(&self.folder.stdout())?.map(Arc::new);
        }
        if self.stderr.is_none() && self.streams.stderr {
            self.stderr = open(&self.folder.stderr())?.map(Arc::new);
        }
        let lengths = (length(self.stdout.as_deref())?, length(self.stderr.as_deref())?);
        if lengths.0 <= self.position.0 && lengths.1 <= self.position.1 {
            return Ok(false);
        }
        // Where only one log has grown, the order needs no marks.
        if !self.timed && (lengths.0 <= self.position.0 || lengths.1 <= self.position.1) {
            let (found, upto) = segments(&[], self.position, lengths, true);
            self.queue(found);
            self.position = upto;
            return Ok(false);
        }
        // Marks of bytes that were read before queue nothing: continue with the next block.
        loop {
            let marks = self.marks.read_new(&self.folder.marks())?;
            let all = marks.is_empty();
            let (found, upto) = segments(&marks, self.position, lengths, all);
            self.queue(found);
            self.position = upto;
            if all || !self.pending.is_empty() {
                return Ok(!all);
            }
        }
    }

    fn queue(&mut self, found: Vec<Segment>) {
        for segment in found {
            match self.pending.back_mut() {
                Some(last) if !self.timed && last.stream == segment.stream && last.end == segment.start => {
                    last.end = segment.end;
                }
                _ => self.pending.push_back(segment),
            }
        }
    }

    /// Drops all but the last `lines` lines of the queue, reading backwards.
    fn keep_last(&mut self, lines: u64) -> io::Result<()> {
        if lines == 0 {
            self.pending.clear();
            return Ok(());
        }
        self.buffer.resize(CHUNK, 0);
        let mut found = 0;
        let mut first_byte_seen = false;
        for index in (0..self.pending.len()).rev() {
            let segment = self.pending[index];
            let Some(file) = self.file(segment.stream).map(Arc::clone) else { continue };
            let mut end = segment.end;
            while end > segment.start {
                let start = end.saturating_sub(CHUNK as u64).max(segment.start);
                let want = usize::try_from(end - start).unwrap_or(CHUNK);
                file.read_exact_at(&mut self.buffer[..want], start)?;
                let mut upto = want;
                if !first_byte_seen {
                    // A newline at the very end belongs to the last line.
                    first_byte_seen = true;
                    if self.buffer[want - 1] == b'\n' {
                        upto -= 1;
                    }
                }
                while let Some(at) = self.buffer[..upto].iter().rposition(|byte| *byte == b'\n') {
                    found += 1;
                    if found == lines {
                        self.pending.drain(..index);
                        if let Some(segment) = self.pending.front_mut() {
                            segment.start = start + at as u64 + 1;
                        }
                        return Ok(());
                    }
                    upto = at;
                }
                end = start;
            }
        }
        Ok(())
    }
}

pub(super) fn open(path: &std::path::Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn length(file: Option<&File>) -> io::Result<u64> {
    file.map_or(Ok(0), |file| file.metadata().map(|meta| meta.len()))
}

/// The ranges from `position` to `lengths` in the order of the marks, and the position that they reach. With `all`
/// marks, bytes that no mark covers come last.
fn segments(marks: &[LogMark], position: (u64, u64), lengths: (u64, u64), all: bool) -> (Vec<Segment>, (u64, u64)) {
    let mut segments: Vec<Segment> = Vec::new();
    let mut at = position;
    let mut advance = |stdout: u64, stderr: u64, time: Option<Timestamp>| {
        for (stream, from, to) in [
            (LogStream::Stdout, &mut at.0, stdout.min(lengths.0)),
            (LogStream::Stderr, &mut at.1, stderr.min(lengths.1)),
        ] {
            if to > *from {
                segments.push(Segment { stream, start: *from, end: to, at: time });
                *from = to;
            }
        }
    };
    for mark in marks {
        advance(mark.stdout, mark.stderr, mark.at());
    }
    if all {
        advance(lengths.0, lengths.1, None);
    }
    (segments, at)
}

#[cfg(test)]
mod tests;
