//! The last lines of what failed in a run: its set-up, its agent or `expect.command`, or that of a run it needs.
//! Must not judge the run again.

use crate::agents::{LineRenderer, sanitize_line};
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::lifecycle::window::last_lines;
use crate::model::end_reason::EndReason;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_state::EndState;
use crate::store::logs::reader::{LogStream, LogStreams, ReadFrom, RunLogReader};
use crate::store::record_file;

/// How many lines, at most.
const LINES: usize = 10;
/// How many lines of the logs are read for them: some are blank, and not each event of an agent becomes a line.
const READ: u64 = 50;
/// At most so many bytes are kept of a log.
const KEPT: usize = 64 * 1024;
const SETUP_MAX: u64 = 16 << 20;
/// Longest chain of needed runs.
const NEEDS: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedOutput {
    pub pair: Pair,
    pub from: OutputSource,
    /// Without control characters.
    pub lines: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputSource {
    SetUp,
    /// Both streams of a job.
    Output,
    /// Its end has the output of `expect.command`.
    Stderr,
    Screen,
}

impl OutputSource {
    pub fn name(self) -> &'static str {
        match self {
            Self::SetUp => "set-up",
            Self::Output => "output",
            Self::Stderr => "stderr",
            Self::Screen => "screen",
        }
    }
}

/// `None` if the run did not fail, or nothing was printed.
pub fn failed_output(store: &Store, run: &Run) -> Option<FailedOutput> {
    let mut run = run.clone();
    for _ in 0..NEEDS {
        let Some(EndReason::Dependency { pair, .. }) = run.end.as_ref().and_then(|end| end.reason.as_ref()) else {
            break;
        };
        run = refresh::last_run(store, pair).ok().flatten()?;
    }
    if !matches!(run.end_state(), Some(EndState::Failed | EndState::TimedOut | EndState::Lost)) {
        return None;
    }
    let (from, lines) = match run.end.as_ref()?.reason.as_ref().and_then(|reason| reason.parts().first()) {
        Some(EndReason::SetupFailed { .. }) => {
            let log = record_file::read_bytes(&store.folder(run.id()).setup_log(), SETUP_MAX).ok()?;
            (OutputSource::SetUp, last(&log))
        }
        _ if run.facts.form.has_window() => (OutputSource::Screen, last_lines::last_lines(store, &run, LINES).ok()?),
        Some(EndReason::CommandFailed(_)) => (OutputSource::Stderr, logged(store, &run, false)?),
        _ => (OutputSource::Output, logged(store, &run, true)?),
    };
    (!lines.is_empty()).then(|| FailedOutput { pair: run.pair(), from, lines })
}

/// The last lines of both logs, or of stderr alone.
fn logged(store: &Store, run: &Run, stdout: bool) -> Option<Vec<String>> {
    let mut renderer = LineRenderer::for_protocol(run.facts.protocol);
    let streams = LogStreams { stdout, stderr: true };
    let mut reader = RunLogReader::open(&store.folder(run.id()), streams, ReadFrom::Tail(READ)).ok()?;
    let mut text = Vec::new();
    let read = reader.read(&mut |piece| {
        match (piece.stream, &mut renderer) {
            (LogStream::Stdout, Some(renderer)) => renderer.feed(piece.bytes, &mut text),
            (LogStream::Stdout | LogStream::Stderr, _) => text.extend_from_slice(piece.bytes),
        }
        text.drain(..text.len().saturating_sub(KEPT));
        Ok(())
    });
    read.ok()?;
    if let Some(renderer) = &mut renderer {
        renderer.finish(&mut text);
    }
    Some(last(&text))
}

/// The last lines that are not blank.
fn last(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().rev().map(|line| sanitize_line(line.trim_end()));
    let mut lines: Vec<String> = lines.filter(|line| !line.trim().is_empty()).take(LINES).collect();
    lines.reverse();
    lines
}
