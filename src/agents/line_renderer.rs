//! Turns an agent's output, as it arrives, into readable lines for `logs` and `run`.
//!
//! Does not make text safe for a terminal: the caller passes the result through the sanitizer.

use memchr::memchr;
use serde_json::Value;

use crate::agents::protocol::EventRenderer;
use crate::agents::shorten::shorten;
use crate::model::protocol::Protocol;

/// Longest line, in bytes, that is shown whole.
const LINE_MAX: usize = 1 << 20;
/// Characters shown of an event that is too long to parse.
const EVENT_CHARS: usize = 120;

/// A streaming renderer: the output does not depend on how the input is split.
#[derive(Debug)]
pub struct LineRenderer {
    events: Box<dyn EventRenderer>,
    line: Vec<u8>,
    /// Bytes of the line beyond [`LINE_MAX`].
    cut: u64,
}

impl LineRenderer {
    /// `None` where the protocol's output is readable text already.
    pub fn for_protocol(protocol: Protocol) -> Option<Self> {
        Some(Self { events: crate::agents::of(protocol).renderer()?, line: Vec::new(), cut: 0 })
    }

    /// Appends the lines that `bytes` complete to `out`.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some(newline) = memchr(b'\n', bytes) {
            self.hold(&bytes[..newline]);
            self.end_line(true, out);
            bytes = &bytes[newline + 1..];
        }
        self.hold(bytes);
    }

    /// Appends a last line that has no newline. To be called at the end of the output.
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
