//! The log of a job as `logs -f` shows it, from its last part on.

use ratatui::style::{Color, Style};

use crate::agents::{LineRenderer, Sanitizer};
use crate::lifecycle::follow::FollowError;
use crate::lifecycle::follow::tail::{LogStream, LogStreams, Next, Offsets, Tail};
use crate::lifecycle::window::attach;
use crate::tui::message::{Message, PreviewChange};
use crate::tui::preview::{LINES, PreviewId, PreviewRequest, PreviewTools, styled_text};

/// Bytes before the end of each log from which it is read.
const LAST_PART: u64 = 256 << 10;
/// Bytes that are read and sent at once.
const CHUNK: usize = 64 << 10;
/// Bytes of a line that are kept.
const LONGEST: usize = 4 << 10;

pub(super) struct LogPreview {
    id: PreviewId,
    tail: Tail,
    stdout: LogText,
    stderr: LogText,
    is_begun: bool,
    is_over: bool,
}

/// One log on its way to lines.
struct LogText {
    renderer: Option<LineRenderer>,
    sanitizer: Sanitizer,
    /// The first line is cut, so it is left out.
    skips: bool,
    /// An incomplete line, safe for a terminal.
    rest: Vec<u8>,
    style: Style,
}

impl LogPreview {
    pub(super) fn open(tools: &PreviewTools, request: &PreviewRequest) -> std::io::Result<Self> {
        let (run, store) = (&request.run, tools.live.store());
        let from = |stream| {
            let length = attach::log(store, run.id(), stream).map_or(0, |log| log.length());
            length.saturating_sub(LAST_PART)
        };
        let offsets = Offsets { stdout: from(LogStream::Stdout), stderr: from(LogStream::Stderr) };
        let streams = LogStreams { stdout: true, stderr: true };
        let renderer = LineRenderer::for_protocol(run.facts.protocol);
        Ok(Self {
            id: request.id.clone(),
            tail: tools.live.tail(run, offsets, streams, &tools.waker)?,
            stdout: LogText::new(renderer, offsets.stdout > 0, Style::new()),
            stderr: LogText::new(None, offsets.stderr > 0, Style::new().fg(Color::Red)),
            is_begun: false,
            is_over: false,
        })
    }

    pub(super) fn step(&mut self, tools: &PreviewTools) -> bool {
        let mut buffer = vec![0; CHUNK];
        while !self.is_over {
            let mut lines = match self.read(&mut buffer) {
                Ok(Some(lines)) => lines,
                Ok(None) if self.is_begun => return true,
                Ok(None) => Vec::new(),
                Err(error) => {
                    self.is_over = true;
                    vec![error.to_string().into()]
                }
            };
            if lines.is_empty() && self.is_begun {
                continue;
            }
            lines.drain(..lines.len().saturating_sub(LINES));
            let change = if self.is_begun { PreviewChange::Append(lines) } else { PreviewChange::Replace(lines) };
            self.is_begun = true;
            if !tools.sender.send(Message::Preview(self.id.clone(), change)) {
                return false;
            }
        }
        true
    }

    /// The next lines; `None` if there is nothing new.
    fn read(&mut self, buffer: &mut [u8]) -> Result<Option<Vec<ratatui::text::Line<'static>>>, FollowError> {
        Ok(match self.tail.next(buffer)? {
            Next::Chunk(chunk) => {
                let text = match chunk.stream {
                    LogStream::Stdout => &mut self.stdout,
                    LogStream::Stderr => &mut self.stderr,
                };
                Some(text.feed(&buffer[..chunk.count]))
            }
            Next::Idle => None,
            Next::Ended(_) => {
                self.is_over = true;
                let mut lines = self.stdout.finish();
                lines.extend(self.stderr.finish());
                Some(lines)
            }
        })
    }
}

impl LogText {
    fn new(renderer: Option<LineRenderer>, skips: bool, style: Style) -> Self {
        Self { renderer, sanitizer: Sanitizer::new(), skips, rest: Vec::new(), style }
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Vec<ratatui::text::Line<'static>> {
        if self.skips {
            let Some(newline) = memchr::memchr(b'\n', bytes) else { return Vec::new() };
            self.skips = false;
            bytes = &bytes[newline + 1..];
        }
        let mut rendered = Vec::new();
        match &mut self.renderer {
            Some(renderer) => renderer.feed(bytes, &mut rendered),
            None => rendered.extend_from_slice(bytes),
        }
        self.sanitizer.feed(&rendered, &mut self.rest);
        let Some(newline) = memchr::memrchr(b'\n', &self.rest) else {
            // Longer than what is kept, so that the line is marked as cut.
            self.rest.truncate(LONGEST + 1);
            return Vec::new();
        };
        let rest = self.rest.split_off(newline + 1);
        let whole = std::mem::replace(&mut self.rest, rest);
        self.lines(&whole)
    }

    fn finish(&mut self) -> Vec<ratatui::text::Line<'static>> {
        let mut rendered = Vec::new();
        if let Some(renderer) = &mut self.renderer {
            renderer.finish(&mut rendered);
        }
        self.sanitizer.feed(&rendered, &mut self.rest);
        self.sanitizer.finish(&mut self.rest);
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() { Vec::new() } else { self.lines(&rest) }
    }

    fn lines(&self, safe: &[u8]) -> Vec<ratatui::text::Line<'static>> {
        let mut cut = Vec::with_capacity(safe.len());
        for line in safe.split_inclusive(|byte| *byte == b'\n') {
            if line.len() <= LONGEST {
                cut.extend_from_slice(line);
            } else {
                let is_boundary = |at: &usize| line[*at] & 0xc0 != 0x80;
                let end = (0..=LONGEST).rev().find(is_boundary).unwrap_or(0);
                cut.extend_from_slice(&line[..end]);
                cut.extend_from_slice("…\n".as_bytes());
            }
        }
        styled_text::of_safe(&cut).into_iter().map(|line| line.patch_style(self.style)).collect()
    }
}
