//! Prints a run's output: events as readable lines, without control sequences on a terminal.

use std::io::{self, IsTerminal as _};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::agents::{LineRenderer, Sanitizer};
use crate::cli::log_lines::LogLines;
use crate::model::protocol::Protocol;
use crate::model::run::Run;
use crate::store::logs::reader::{LogPiece, LogStream};

/// How output is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Show {
    pub(crate) protocol: Protocol,
    /// Unchanged bytes: no rendering, no sanitizing.
    pub(crate) raw: bool,
    pub(crate) timestamps: bool,
    /// Only stderr was requested: it is the result, so it is written to stdout.
    pub(crate) stderr_alone: bool,
}

/// Both streams of one run. A closed pipe is no error.
#[derive(Debug)]
pub(crate) struct Console {
    stdout: ConsoleStream,
    stderr: ConsoleStream,
    stderr_alone: bool,
    /// `--json`: everything is printed as events on stdout.
    events: Option<LogLines>,
}

/// The last rendered lines, held back until they are released.
#[derive(Debug)]
struct LastLines {
    lines: std::collections::VecDeque<Vec<u8>>,
    at_most: usize,
}

#[derive(Debug)]
struct ConsoleStream {
    renderer: Option<LineRenderer>,
    sanitizer: Option<Sanitizer>,
    timestamps: bool,
    at_line_start: bool,
    gone: bool,
    kept: Option<LastLines>,
}

impl Console {
    pub(crate) fn new(show: Show) -> Self {
        let lane = |protocol: Protocol, is_terminal: bool| ConsoleStream {
            renderer: (!show.raw).then(|| LineRenderer::for_protocol(protocol)).flatten(),
            sanitizer: (!show.raw && is_terminal).then(Sanitizer::new),
            timestamps: show.timestamps,
            at_line_start: true,
            gone: false,
            kept: None,
        };
        Self {
            stdout: lane(show.protocol, io::stdout().is_terminal()),
            stderr: lane(
                Protocol::default(),
                if show.stderr_alone { io::stdout().is_terminal() } else { io::stderr().is_terminal() },
            ),
            stderr_alone: show.stderr_alone,
            events: None,
        }
    }

    /// Prints JSON Lines instead.
    pub(crate) fn of_events(show: Show, run: &Run) -> Self {
        Self { events: Some(LogLines::new(run)), ..Self::new(show) }
    }

    /// Holds back stdout until [`Self::release`], which prints the last `lines` lines.
    pub(crate) fn keeping_last(show: Show, lines: u64) -> Self {
        let mut console = Self::new(show);
        let at_most = usize::try_from(lines).unwrap_or(usize::MAX);
        console.stdout.kept = Some(LastLines { lines: std::collections::VecDeque::new(), at_most });
        console
    }

    /// Prints the lines held back; from then on all output is printed.
    pub(crate) fn release(&mut self) -> io::Result<()> {
        let Some(kept) = self.stdout.kept.take() else { return Ok(()) };
        for line in kept.lines {
            self.stdout.write_out(&line, &mut io::stdout().lock())?;
        }
        Ok(())
    }

    /// Prints a small file of the run on stderr, if it exists.
    pub(crate) fn show_file(&mut self, path: &std::path::Path) -> io::Result<()> {
        let Ok(bytes) = crate::store::record_file::read_bytes(path, 16 << 20) else { return Ok(()) };
        match &mut self.events {
            Some(events) => events.show_text("setup", &bytes),
            None => self.stderr.write(&bytes, None, &mut io::stderr().lock()),
        }
    }

    pub(crate) fn show(&mut self, piece: &LogPiece<'_>) -> io::Result<()> {
        if let Some(events) = &mut self.events {
            return events.show(piece);
        }
        match piece.stream {
            LogStream::Stdout => self.stdout.write(piece.bytes, piece.at, &mut io::stdout().lock()),
            LogStream::Stderr if self.stderr_alone => {
                self.stderr.write(piece.bytes, piece.at, &mut io::stdout().lock())
            }
            LogStream::Stderr => self.stderr.write(piece.bytes, piece.at, &mut io::stderr().lock()),
        }
    }

    /// Prints the rest of an incomplete line of `run`.
    pub(crate) fn finish(&mut self, run: &Run) -> io::Result<()> {
        if let Some(events) = &mut self.events {
            return events.finish(run);
        }
        self.stdout.finish(&mut io::stdout().lock())?;
        match self.stderr_alone {
            true => self.stderr.finish(&mut io::stdout().lock()),
            false => self.stderr.finish(&mut io::stderr().lock()),
        }
    }

    /// Whether stdout still has a reader.
    pub(crate) fn has_reader(&self) -> bool {
        self.events.as_ref().map_or(!self.stdout.gone, LogLines::has_reader)
    }
}

impl ConsoleStream {
    fn write(&mut self, bytes: &[u8], at: Option<Timestamp>, out: &mut dyn io::Write) -> io::Result<()> {
        let mut shown = Vec::new();
        match &mut self.renderer {
            Some(renderer) => renderer.feed(bytes, &mut shown),
            None if self.sanitizer.is_none() && !self.timestamps => return self.write_out(bytes, out),
            None => shown.extend_from_slice(bytes),
        }
        self.print(&shown, at, out)
    }

    fn finish(&mut self, out: &mut dyn io::Write) -> io::Result<()> {
        let mut shown = Vec::new();
        if let Some(renderer) = &mut self.renderer {
            renderer.finish(&mut shown);
        }
        self.print(&shown, None, out)?;
        let mut rest = Vec::new();
        if let Some(sanitizer) = &mut self.sanitizer {
            sanitizer.finish(&mut rest);
        }
        self.write_out(&rest, out)
    }

    fn print(&mut self, bytes: &[u8], at: Option<Timestamp>, out: &mut dyn io::Write) -> io::Result<()> {
        let mut shown = Vec::new();
        match &mut self.sanitizer {
            Some(sanitizer) => sanitizer.feed(bytes, &mut shown),
            None => shown.extend_from_slice(bytes),
        }
        if !self.timestamps {
            return self.write_out(&shown, out);
        }
        let mut stamped = Vec::with_capacity(shown.len() + 32);
        for line in shown.split_inclusive(|b| *b == b'\n') {
            if self.at_line_start {
                let at = at.unwrap_or_else(crate::os::clock::now).to_zoned(TimeZone::system());
                stamped.extend_from_slice(at.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z ").to_string().as_bytes());
            }
            stamped.extend_from_slice(line);
            self.at_line_start = line.ends_with(b"\n");
        }
        self.write_out(&stamped, out)
    }

    fn write_out(&mut self, bytes: &[u8], out: &mut dyn io::Write) -> io::Result<()> {
        if self.gone || bytes.is_empty() {
            return Ok(());
        }
        if let Some(kept) = &mut self.kept {
            kept.push(bytes);
            return Ok(());
        }
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(())
            }
            other => other,
        }
    }
}

impl LastLines {
    fn push(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            match self.lines.back_mut().filter(|last| !last.ends_with(b"\n")) {
                Some(last) => last.extend_from_slice(line),
                None => self.lines.push_back(line.to_vec()),
            }
            while self.lines.len() > self.at_most {
                self.lines.pop_front();
            }
        }
    }
}
