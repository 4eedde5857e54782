//! `/logs`: the output of a run from any offset to its end.
//!
//! A job's logs are followed by offset; of a window the live screen is sent, then its saved last screen. Holds one
//! chunk at a time: for a slow client the offset lags, not the memory grows.

use std::borrow::Cow;
use std::io::Write as _;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use serde::Serialize;

use crate::lifecycle::event_fd::EventFd;
use crate::lifecycle::follow::FollowError;
use crate::lifecycle::follow::tail::{LogStream, LogStreams, Next, Offsets, Tail};
use crate::lifecycle::refresh;
use crate::lifecycle::window::attach;
use crate::lifecycle::window::terminal;
use crate::lifecycle::window::terminal::{Access, WindowTerminal};
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::serve::api::runs;
use crate::serve::query::Query;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::server::HttpServer;
use crate::serve::ws::channel::{Channel, CloseReason, Inbound, Outbound};
use crate::serve::ws::outgoing::{FrameKind, KEPT, Outgoing};
use crate::snapshot::EventStream;

/// Bytes of one text message: escaped they may be six times as long.
const TEXT_PIECE: usize = 64 * 1024;
/// Bytes of one raw message.
const RAW_PIECE: usize = 128 * 1024;
/// From this many contiguous bytes on, a raw log is sent from its file without being read.
const LONG: usize = 64 * 1024;
/// Bytes of one such message; common clients accept 1 MiB.
const EXTENT: usize = 512 * 1024;

/// Opens the log of a pair's last run, or of the run that the query names.
pub(super) fn open(
    server: &Arc<HttpServer>,
    pair: &Pair,
    mut query: Query,
    waker: &EventFd,
) -> Result<Box<dyn Channel>, Refusal> {
    let from = Offsets { stdout: query.number("stdout")?.unwrap_or(0), stderr: query.number("stderr")?.unwrap_or(0) };
    let named = query.value("run", RunId::parse)?;
    let raw = query.value("format", |text| (text == "raw").then_some(()))?.is_some();
    query.end()?;
    let run = match named {
        None => runs::last(server, pair)?,
        Some(id) => runs::by_id(server, &id)?,
    };
    if run.pair() != *pair {
        return Err(Refusal::with(RefusalKind::NoRoute, format!("run {} is not one of `{pair}`", run.id())));
    }
    if run.facts.form.is_job() {
        let streams = LogStreams { stdout: true, stderr: !raw };
        let tail = server.live.tail(&run, from, streams, waker).map_err(Refusal::internal)?;
        return Ok(Box::new(JobLog {
            server: Arc::clone(server),
            tail,
            raw,
            chunk_size: KEPT,
            text: Vec::new(),
            partial: Default::default(),
            phase: LogPhase::Live,
        }));
    }
    let feed = server.live.subscribe(None, waker.clone());
    let (server, id) = (Arc::clone(server), run.id().clone());
    Ok(Box::new(WindowLog { server, id, feed, terminal: None, recheck: true, phase: LogPhase::Live }))
}

struct JobLog {
    server: Arc<HttpServer>,
    tail: Tail,
    raw: bool,
    /// Bytes to read at once.
    chunk_size: usize,
    /// The bytes that were read, unless `raw`.
    text: Vec<u8>,
    /// Of each stream, the first bytes of a character that is not complete yet.
    partial: [PartialCharacter; 2],
    phase: LogPhase,
}

#[derive(Debug, Default)]
struct PartialCharacter {
    offset: u64,
    bytes: Vec<u8>,
}

impl PartialCharacter {
    /// The partial character before these bytes with them, and its offset.
    fn join<'a>(&mut self, offset: u64, bytes: &'a [u8]) -> (u64, Cow<'a, [u8]>) {
        let partial = std::mem::take(self);
        // The agent may have truncated its log meanwhile.
        if partial.bytes.is_empty() || partial.offset + partial.bytes.len() as u64 != offset {
            return (offset, Cow::Borrowed(bytes));
        }
        (partial.offset, Cow::Owned([&partial.bytes, bytes].concat()))
    }
}

/// A chunk of a log as a text message.
#[derive(Serialize)]
struct LogMessage<'a> {
    stream: &'static str,
    offset: u64,
    next: u64,
    data: &'a str,
}

fn text_message(payload: &mut Outgoing, stream: LogStream, offset: u64, bytes: &[u8]) -> Outbound {
    let data = String::from_utf8_lossy(bytes);
    let stream = match stream {
        LogStream::Stdout => "stdout",
        LogStream::Stderr => "stderr",
    };
    let message = LogMessage { stream, offset, next: offset + bytes.len() as u64, data: &data };
    match serde_json::to_writer(payload, &message) {
        Ok(()) => Outbound::Frame(FrameKind::Text),
        Err(_) => Outbound::Close(CloseReason::BROKEN),
    }
}

fn end_message(payload: &mut Outgoing, server: &HttpServer, run: &Run) -> Outbound {
    match runs::end_frame(server, run).map(|text| payload.write_all(text.as_bytes())) {
        Ok(_) => Outbound::Frame(FrameKind::Text),
        Err(_) => Outbound::Close(CloseReason::BROKEN),
    }
}

/// The number of bytes at the end that start an incomplete character.
fn unfinished(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    for at in (from..bytes.len()).rev() {
        let need = match bytes[at] {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            0x80..=0xbf => continue,
            _ => 1,
        };
        let have = bytes.len() - at;
        // Invalid bytes are not held back.
        return if need > have && std::str::from_utf8(&bytes[at..]).is_err_and(|e| e.error_len().is_none()) {
            have
        } else {
            0
        };
    }
    0
}

impl JobLog {
    /// Reads the next chunk: into the payload if `raw`, else into `text`.
    fn read(&mut self, payload: &mut Outgoing) -> Result<Next, FollowError> {
        if !self.raw {
            self.text.resize(self.text.len().max(self.chunk_size), 0);
            return self.tail.next(&mut self.text[..self.chunk_size]);
        }
        let mut next = Next::Idle;
        payload.fill(self.chunk_size, |room| {
            next = self.tail.next(room)?;
            Ok::<_, FollowError>(if let Next::Chunk(chunk) = &next { chunk.count } else { 0 })
        })?;
        Ok(next)
    }
}

impl Channel for JobLog {
    fn next(&mut self, payload: &mut Outgoing) -> Outbound {
        match &self.phase {
            LogPhase::End(run) => {
                // Characters that never became complete.
                for (at, stream) in [(0, LogStream::Stdout), (1, LogStream::Stderr)] {
                    let partial = std::mem::take(&mut self.partial[at]);
                    if !partial.bytes.is_empty() {
                        return text_message(payload, stream, partial.offset, &partial.bytes);
                    }
                }
                let sent = end_message(payload, &self.server, run);
                self.phase = LogPhase::Done;
                return sent;
            }
            LogPhase::Done => return Outbound::Close(CloseReason::DONE),
            LogPhase::Live | LogPhase::Screen(_) => {}
        }
        if self.raw {
            match self.tail.next_extent(LONG, EXTENT) {
                Ok(Some(extent)) => {
                    payload.attach(extent);
                    return Outbound::Frame(FrameKind::Binary);
                }
                Ok(None) => {}
                Err(_) => return Outbound::Close(CloseReason::BROKEN),
            }
        }
        loop {
            let chunk = match self.read(payload) {
                Ok(Next::Chunk(chunk)) => chunk,
                Ok(Next::Idle) => {
                    self.text = Vec::new();
                    return Outbound::Nothing;
                }
                Ok(Next::Ended(run)) => {
                    self.phase = LogPhase::End(run);
                    return self.next(payload);
                }
                Err(_) => return Outbound::Close(CloseReason::BROKEN),
            };
            // A large buffer only while the log is long.
            let full = chunk.count >= self.chunk_size;
            self.chunk_size = match (full, self.raw) {
                (false, _) => KEPT,
                (true, false) => TEXT_PIECE,
                (true, true) => RAW_PIECE,
            };
            if self.raw {
                return Outbound::Frame(FrameKind::Binary);
            }
            let partial = &mut self.partial[usize::from(chunk.stream == LogStream::Stderr)];
            let (offset, bytes) = partial.join(chunk.offset, &self.text[..chunk.count]);
            let (whole, rest) = bytes.split_at(bytes.len() - unfinished(&bytes));
            *partial = PartialCharacter { offset: offset + whole.len() as u64, bytes: rest.to_vec() };
            // With nothing but an incomplete character, read on: no event would wake us for what follows.
            if !whole.is_empty() {
                return text_message(payload, chunk.stream, offset, whole);
            }
        }
    }

    fn receive(&mut self, _message: Inbound<'_>) -> Result<(), CloseReason> {
        Ok(())
    }
}

struct WindowLog {
    server: Arc<HttpServer>,
    id: RunId,
    feed: EventStream,
    /// `None` while there is no window: before it opens and after it ends.
    terminal: Option<WindowTerminal>,
    /// The run's state must be read again.
    recheck: bool,
    phase: LogPhase,
}

/// What is sent next: live output, a window's last screen, the end message, or the close frame.
enum LogPhase {
    Live,
    Screen(Box<Run>),
    End(Box<Run>),
    Done,
}

impl WindowLog {
    /// Reads the run's state: opens its window, or proceeds to its end.
    fn check_run(&mut self, opens: bool) -> Result<(), CloseReason> {
        let run = refresh::one(self.server.live.store(), &self.id).map_err(|_| CloseReason::BROKEN)?;
        match run {
            Some(run) if run.is_active() => {
                if opens && self.terminal.is_none() {
                    self.terminal = terminal::open_terminal(&run, Access::Read, (80, 24)).ok();
                }
                Ok(())
            }
            Some(run) => {
                self.terminal = None;
                self.phase = LogPhase::Screen(Box::new(run));
                Ok(())
            }
            None => Err(CloseReason::BROKEN),
        }
    }
}

impl Channel for WindowLog {
    fn next(&mut self, payload: &mut Outgoing) -> Outbound {
        match std::mem::replace(&mut self.phase, LogPhase::Done) {
            LogPhase::Live => {}
            LogPhase::Screen(run) => {
                let screen = attach::screen(self.server.live.store(), &run).ok().flatten().unwrap_or_default();
                self.phase = LogPhase::End(run);
                return match payload.write_all(&screen) {
                    Ok(()) => Outbound::Frame(FrameKind::Binary),
                    Err(_) => Outbound::Close(CloseReason::BROKEN),
                };
            }
            LogPhase::End(run) => return end_message(payload, &self.server, &run),
            LogPhase::Done => return Outbound::Close(CloseReason::DONE),
        }
        self.phase = LogPhase::Live;
        let mut changed = std::mem::take(&mut self.recheck);
        for frame in self.feed.by_ref() {
            // Only whether an event names this run, or events were missed.
            changed |= frame.contains(self.id.as_str()) || frame.contains("\"reset\"");
        }
        let mut opens = true;
        if let Some(terminal) = &mut self.terminal {
            match payload.fill(TEXT_PIECE, |room| terminal.read(room)) {
                Ok(count) if count > 0 => return Outbound::Frame(FrameKind::Binary),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                // Opened again only after another change, so that a failing terminal is not retried for ever.
                _ => {
                    self.terminal = None;
                    opens = changed;
                    changed = true;
                }
            }
        }
        if changed {
            return match self.check_run(opens) {
                Ok(()) if matches!(self.phase, LogPhase::Live) => Outbound::Nothing,
                Ok(()) => self.next(payload),
                Err(reason) => Outbound::Close(reason),
            };
        }
        Outbound::Nothing
    }

    fn receive(&mut self, _message: Inbound<'_>) -> Result<(), CloseReason> {
        Ok(())
    }

    fn source(&self) -> Option<BorrowedFd<'_>> {
        self.terminal.as_ref().map(|terminal| terminal.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_never_cut_and_rubbish_is_not_held_back() {
        let text = "aé€🟡";
        for cut in 0..=text.len() {
            let bytes = &text.as_bytes()[..cut];
            let whole = bytes.len() - unfinished(bytes);
            assert!(text.is_char_boundary(whole) && cut - whole < 4, "{cut}");
        }
        for rubbish in [&b"\xff"[..], b"\x80\x80\x80", b"a\xc0", b"\xf5\x80", b"\xe2\x28", b"\xed\xa0"] {
            assert_eq!(unfinished(rubbish), 0, "{rubbish:?}");
        }
        assert_eq!(unfinished(b"a\xf0\x9f\x9f"), 3);
    }
}
