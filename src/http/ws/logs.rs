//! `/logs`: what a run prints, from any offset, to its end.
//!
//! A job's logs are followed by offset; a window is watched, and its last screen is kept. Holds
//! one piece at a time: a client that reads slowly is behind in the file, not in memory.

use std::borrow::Cow;
use std::io::Write as _;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::Arc;

use serde::Serialize;

use crate::http::api::runs;
use crate::http::query::Query;
use crate::http::refusal::{Refusal, Why};
use crate::http::server::Shared;
use crate::http::ws::outgoing::{KEPT, Kind, Outgoing};
use crate::http::ws::talk::{Farewell, Heard, Take, Talk};
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::runner::follow::FollowError;
use crate::runner::live;
use crate::runner::tail::{Next, Offsets, Stream, Streams, Tail};
use crate::runner::terminal::{Access, Terminal};
use crate::runner::wake::Waker;

/// Read at once where text is made of it: escaped it may be six times as long.
const TEXT_PIECE: usize = 64 * 1024;
/// Read at once where the bytes go out as they are.
const RAW_PIECE: usize = 128 * 1024;
/// Where so much of one log lies together, it goes out raw without being read.
const LONG: usize = 64 * 1024;
/// So much of it in one frame; clients are known to take 1 MiB.
const EXTENT: usize = 512 * 1024;

/// The talk for a pair's last run, or for the one that is named.
pub(super) fn talk(
    server: &Arc<Shared>,
    pair: &Pair,
    mut query: Query,
    waker: &Waker,
) -> Result<Box<dyn Talk>, Refusal> {
    let from = Offsets { stdout: query.number("stdout")?.unwrap_or(0), stderr: query.number("stderr")?.unwrap_or(0) };
    let named = query.value("run", RunId::parse)?;
    let raw = query.value("format", |text| (text == "raw").then_some(()))?.is_some();
    query.end()?;
    let run = match named {
        None => runs::last(server, pair)?,
        Some(id) => runs::by_id(server, &id)?,
    };
    if run.pair() != *pair {
        return Err(Refusal::with(Why::NoRoute, format!("run {} is not one of `{pair}`", run.id())));
    }
    if run.facts.headless {
        let streams = Streams { stdout: true, stderr: !raw };
        let tail = server.live.tail(&run, from, streams, waker).map_err(Refusal::broken)?;
        return Ok(Box::new(Job {
            server: Arc::clone(server),
            tail,
            raw,
            room: KEPT,
            text: Vec::new(),
            cut: Default::default(),
            after: After::Living,
        }));
    }
    let feed = server.live.subscribe(None, waker.clone());
    let (server, id) = (Arc::clone(server), run.id().clone());
    Ok(Box::new(Window { server, id, feed, terminal: None, unsure: true, after: After::Living }))
}

/// The logs of a job.
struct Job {
    server: Arc<Shared>,
    tail: Tail,
    raw: bool,
    /// How much is read at once.
    room: usize,
    /// What was read, where text is made of it.
    text: Vec<u8>,
    /// Of each stream, the first bytes of a character whose end is still to come.
    cut: [Cut; 2],
    /// What is to be said once the file is drained.
    after: After,
}

#[derive(Debug, Default)]
struct Cut {
    offset: u64,
    bytes: Vec<u8>,
}

impl Cut {
    /// These bytes with what was cut before them, and where that begins.
    fn join<'a>(&mut self, offset: u64, bytes: &'a [u8]) -> (u64, Cow<'a, [u8]>) {
        let cut = std::mem::take(self);
        // An agent may have truncated its log between the two.
        if cut.bytes.is_empty() || cut.offset + cut.bytes.len() as u64 != offset {
            return (offset, Cow::Borrowed(bytes));
        }
        (cut.offset, Cow::Owned([&cut.bytes, bytes].concat()))
    }
}

/// A piece of a log as a frame.
#[derive(Serialize)]
struct Frame<'a> {
    stream: &'static str,
    offset: u64,
    next: u64,
    data: &'a str,
}

fn frame(payload: &mut Outgoing, stream: Stream, offset: u64, bytes: &[u8]) -> Take {
    let data = String::from_utf8_lossy(bytes);
    let stream = match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    let frame = Frame { stream, offset, next: offset + bytes.len() as u64, data: &data };
    match serde_json::to_writer(payload, &frame) {
        Ok(()) => Take::Frame(Kind::Text),
        Err(_) => Take::End(Farewell::BROKEN),
    }
}

fn end_frame(payload: &mut Outgoing, server: &Shared, run: &Run) -> Take {
    match runs::end_frame(server, run).map(|text| payload.write_all(text.as_bytes())) {
        Ok(_) => Take::Frame(Kind::Text),
        Err(_) => Take::End(Farewell::BROKEN),
    }
}

/// How many bytes at the end begin a character that is not whole.
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
        // What can no longer become a character is shown as it is.
        return if need > have && std::str::from_utf8(&bytes[at..]).is_err_and(|e| e.error_len().is_none()) {
            have
        } else {
            0
        };
    }
    0
}

impl Job {
    /// The next piece: raw it is the payload already.
    fn read(&mut self, payload: &mut Outgoing) -> Result<Next, FollowError> {
        if !self.raw {
            self.text.resize(self.text.len().max(self.room), 0);
            return self.tail.next(&mut self.text[..self.room]);
        }
        let mut next = Next::Idle;
        payload.fill(self.room, |room| {
            next = self.tail.next(room)?;
            Ok::<_, FollowError>(if let Next::Chunk(chunk) = &next { chunk.count } else { 0 })
        })?;
        Ok(next)
    }
}

impl Talk for Job {
    fn take(&mut self, payload: &mut Outgoing) -> Take {
        match &self.after {
            After::End(run) => {
                // What was cut and never came whole.
                for (at, stream) in [(0, Stream::Stdout), (1, Stream::Stderr)] {
                    let cut = std::mem::take(&mut self.cut[at]);
                    if !cut.bytes.is_empty() {
                        return frame(payload, stream, cut.offset, &cut.bytes);
                    }
                }
                let take = end_frame(payload, &self.server, run);
                self.after = After::Said;
                return take;
            }
            After::Said => return Take::End(Farewell::DONE),
            After::Living | After::Screen(_) => {}
        }
        // Much that lies together goes to the client as it is.
        if self.raw {
            match self.tail.next_extent(LONG, EXTENT) {
                Ok(Some(extent)) => {
                    payload.attach(extent);
                    return Take::Frame(Kind::Binary);
                }
                Ok(None) => {}
                Err(_) => return Take::End(Farewell::BROKEN),
            }
        }
        loop {
            let chunk = match self.read(payload) {
                Ok(Next::Chunk(chunk)) => chunk,
                Ok(Next::Idle) => {
                    self.text = Vec::new();
                    return Take::Nothing;
                }
                Ok(Next::Ended(run)) => {
                    self.after = After::End(run);
                    return self.take(payload);
                }
                Err(_) => return Take::End(Farewell::BROKEN),
            };
            // Room for much only where there is much.
            let full = chunk.count >= self.room;
            self.room = match (full, self.raw) {
                (false, _) => KEPT,
                (true, false) => TEXT_PIECE,
                (true, true) => RAW_PIECE,
            };
            if self.raw {
                return Take::Frame(Kind::Binary);
            }
            let cut = &mut self.cut[usize::from(chunk.stream == Stream::Stderr)];
            let (offset, bytes) = cut.join(chunk.offset, &self.text[..chunk.count]);
            let (whole, rest) = bytes.split_at(bytes.len() - unfinished(&bytes));
            *cut = Cut { offset: offset + whole.len() as u64, bytes: rest.to_vec() };
            // Of a character alone that is not whole nothing is shown, and nobody would wake us for
            // what is there behind it.
            if !whole.is_empty() {
                return frame(payload, chunk.stream, offset, whole);
            }
        }
    }

    fn hear(&mut self, _heard: Heard<'_>) -> Result<(), Farewell> {
        Ok(())
    }
}

/// A window that is watched.
struct Window {
    server: Arc<Shared>,
    id: RunId,
    feed: live::Events,
    /// `None` while there is nothing to see: it waits, or is just coming up or ending.
    terminal: Option<Terminal>,
    /// Something of the run may be other than it was.
    unsure: bool,
    after: After,
}

/// What is still to be said.
enum After {
    Living,
    Screen(Box<Run>),
    End(Box<Run>),
    Said,
}

impl Window {
    /// Whether the run has ended, or has a window now, once something changed.
    fn look(&mut self, opens: bool) -> Result<(), Farewell> {
        let run = self.server.live.store().run(&self.id).map_err(|_| Farewell::BROKEN)?;
        match run {
            Some(run) if run.is_active() => {
                if opens && self.terminal.is_none() {
                    self.terminal = self.server.live.store().open_terminal(&run, Access::Read, (80, 24)).ok();
                }
                Ok(())
            }
            Some(run) => {
                self.terminal = None;
                self.after = After::Screen(Box::new(run));
                Ok(())
            }
            None => Err(Farewell::BROKEN),
        }
    }
}

impl Talk for Window {
    fn take(&mut self, payload: &mut Outgoing) -> Take {
        match std::mem::replace(&mut self.after, After::Said) {
            After::Living => {}
            After::Screen(run) => {
                let screen = self.server.live.store().screen(&run).ok().flatten().unwrap_or_default();
                self.after = After::End(run);
                return match payload.write_all(&screen) {
                    Ok(()) => Take::Frame(Kind::Binary),
                    Err(_) => Take::End(Farewell::BROKEN),
                };
            }
            After::End(run) => return end_frame(payload, &self.server, &run),
            After::Said => return Take::End(Farewell::DONE),
        }
        self.after = After::Living;
        let mut changed = std::mem::take(&mut self.unsure);
        for frame in self.feed.by_ref() {
            // Of the feed only that something of this run changed matters, or that it was missed.
            changed |= frame.contains(self.id.as_str()) || frame.contains("\"reset\"");
        }
        let mut opens = true;
        if let Some(terminal) = &mut self.terminal {
            match payload.fill(TEXT_PIECE, |room| terminal.read(room)) {
                Ok(count) if count > 0 => return Take::Frame(Kind::Binary),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                // Another is opened once something changes: one that fails must not be tried for ever.
                _ => {
                    self.terminal = None;
                    opens = changed;
                    changed = true;
                }
            }
        }
        if changed {
            return match self.look(opens) {
                Ok(()) if matches!(self.after, After::Living) => Take::Nothing,
                Ok(()) => self.take(payload),
                Err(farewell) => Take::End(farewell),
            };
        }
        Take::Nothing
    }

    fn hear(&mut self, _heard: Heard<'_>) -> Result<(), Farewell> {
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
