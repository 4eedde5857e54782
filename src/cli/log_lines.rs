//! A run's output as JSON Lines: one event for each line, as the agent wrote it.

use std::io;

use jiff::Timestamp;
use serde_json::json;

use crate::cli::output;
use crate::model::run::{Run, RunFacts};
use crate::os::clock;
use crate::store::logs::reader::{LogPiece, LogStream};
use crate::view::run_view::RunView;

/// Longest line in bytes; a longer one becomes several, to bound memory.
const LONGEST: usize = 16 << 20;

/// Prints the events of one run.
#[derive(Debug)]
pub(crate) struct LogLines {
    facts: RunFacts,
    stdout: Incomplete,
    stderr: Incomplete,
    has_reader: bool,
}

/// A line that has not ended, and when its first bytes were written.
#[derive(Debug, Default)]
struct Incomplete {
    bytes: Vec<u8>,
    at: Option<Timestamp>,
}

impl LogLines {
    pub(crate) fn new(run: &Run) -> Self {
        let (stdout, stderr) = (Incomplete::default(), Incomplete::default());
        Self { facts: run.facts.clone(), stdout, stderr, has_reader: true }
    }

    /// Whether stdout still has a reader.
    pub(crate) fn has_reader(&self) -> bool {
        self.has_reader
    }

    pub(crate) fn show(&mut self, piece: &LogPiece<'_>) -> io::Result<()> {
        let (name, incomplete) = match piece.stream {
            LogStream::Stdout => ("stdout", &mut self.stdout),
            LogStream::Stderr => ("stderr", &mut self.stderr),
        };
        let mut text = String::new();
        for part in piece.bytes.split_inclusive(|byte| *byte == b'\n') {
            if incomplete.bytes.is_empty() {
                incomplete.at = piece.at;
            }
            incomplete.bytes.extend_from_slice(part);
            if part.ends_with(b"\n") || incomplete.bytes.len() >= LONGEST {
                text.push_str(&event(&self.facts, name, std::mem::take(incomplete))?);
            }
        }
        self.print(&text)
    }

    /// Prints a text that was written at once, as lines of `stream`.
    pub(crate) fn show_text(&mut self, stream: &str, bytes: &[u8]) -> io::Result<()> {
        let mut text = String::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            text.push_str(&event(&self.facts, stream, Incomplete { bytes: line.to_vec(), at: None })?);
        }
        self.print(&text)
    }

    /// Prints lines without an end, then the end of the run, if it has ended.
    pub(crate) fn finish(&mut self, run: &Run) -> io::Result<()> {
        let mut text = String::new();
        for (name, incomplete) in [("stdout", &mut self.stdout), ("stderr", &mut self.stderr)] {
            if !incomplete.bytes.is_empty() {
                text.push_str(&event(&self.facts, name, std::mem::take(incomplete))?);
            }
        }
        if !run.is_active() {
            text.push_str(&output::json_line(&json!({ "event": "end", "run": RunView::new(run, clock::now()) }))?);
        }
        self.print(&text)
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        self.has_reader = self.has_reader && output::write_if_heard(text.as_bytes())?;
        Ok(())
    }
}

fn event(facts: &RunFacts, stream: &str, line: Incomplete) -> io::Result<String> {
    let text = String::from_utf8_lossy(line.bytes.strip_suffix(b"\n").unwrap_or(&line.bytes));
    let mut event = json!({
        "event": "line", "runId": facts.run_id, "mode": facts.mode.as_str(), "task": facts.task.as_str(),
        "stream": stream, "text": text,
    });
    if let Some(at) = line.at {
        event["at"] = json!(at);
    }
    output::json_line(&event)
}
