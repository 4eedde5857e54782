//! An agent's output as it comes → readable lines, for `logs` and `run`.
//!
//! Does not make anything safe for a terminal: that is the sanitizer's part, after this one.

use memchr::memchr;
use serde_json::Value;

use crate::agents::protocol::EventRenderer;
use crate::agents::shorten::shorten;
use crate::model::protocol::Protocol;

/// A longer line is shown in part, in bytes.
const LINE_MAX: usize = 1 << 20;
/// What is shown of an event that is too long to be read.
const EVENT_CHARS: usize = 120;

/// A streaming renderer: the output does not depend on how the input is cut.
#[derive(Debug)]
pub struct LineRenderer {
    events: Box<dyn EventRenderer>,
    line: Vec<u8>,
    /// Bytes of the line beyond [`LINE_MAX`].
    cut: u64,
}

impl LineRenderer {
    /// `None` where the output of agents of `protocol` is text for people already.
    pub fn for_protocol(protocol: Protocol) -> Option<Self> {
        Some(Self { events: crate::agents::of(protocol).renderer()?, line: Vec::new(), cut: 0 })
    }

    /// Appends to `out` what `bytes` complete.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some(newline) = memchr(b'\n', bytes) {
            self.hold(&bytes[..newline]);
            self.end_line(true, out);
            bytes = &bytes[newline + 1..];
        }
        self.hold(bytes);
    }

    /// To be called at the end of the output: shows a last line that was not ended.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.line.is_empty() {
            self.end_line(false, out);
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = (LINE_MAX - self.line.len()).min(bytes.len());
        self.line.extend(&bytes[..room]);
        self.cut += (bytes.len() - room) as u64;
    }

    fn end_line(&mut self, ended: bool, out: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.line);
        let cut = std::mem::take(&mut self.cut);
        let is_event = line.first() == Some(&b'{');
        if cut > 0 && is_event {
            let start = String::from_utf8_lossy(&line[..EVENT_CHARS * 4]);
            let total = line.len() as u64 + cut;
            out.extend(format!("…          {} [an event of {total} bytes]\n", shorten(&start, EVENT_CHARS)).as_bytes());
            return;
        }
        if is_event && self.event(&line, out) {
            return;
        }
        out.extend(&line);
        if cut > 0 {
            out.extend(format!("… [{cut} bytes more]").as_bytes());
        }
        if ended {
            out.push(b'\n');
        }
    }

    fn event(&mut self, line: &[u8], out: &mut Vec<u8>) -> bool {
        serde_json::from_slice::<Value>(line).is_ok_and(|event| self.events.render(&event, out))
    }
}
