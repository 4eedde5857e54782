//! The frame that is being sent to a client, in a reused buffer.
//!
//! A log is sent with one copy and one write; the library would allocate a buffer for each frame and copy once more.
//! Frames of a server are not masked, so that only a head is added. Must not know the content.

use std::io::{self, Write};
use std::os::fd::AsFd;

use crate::lifecycle::follow::tail::LogExtent;

/// The longest head, in bytes.
const HEAD: usize = 10;
/// The buffer is freed while nothing is sent if it is larger than this, in bytes.
pub(super) const KEPT: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::serve) enum FrameKind {
    /// UTF-8: the writer's duty.
    Text,
    Binary,
}

/// The payload is written by [`Write`], which does not fail, or by [`Self::fill`].
#[derive(Debug, Default)]
pub(in crate::serve) struct Outgoing {
    /// Space for a head, the payload, then unused bytes.
    bytes: Vec<u8>,
    /// The payload's end; 0 if nothing is being sent.
    end: usize,
    sent: usize,
    /// The part of the payload that is sent from its file.
    rest: Option<LogExtent>,
}

impl Outgoing {
    /// Starts an empty payload.
    pub(super) fn begin(&mut self) -> &mut Self {
        self.end = HEAD;
        // Nothing is sent before `seal`.
        self.sent = HEAD;
        self.rest = None;
        self
    }

    /// Sets the payload to a part of a file.
    pub(super) fn attach(&mut self, rest: LogExtent) {
        self.rest = Some(rest);
    }

    /// Lets `read` fill the next `most` bytes, whose content is undefined; it returns how many it wrote.
    pub(super) fn fill<E>(
        &mut self,
        most: usize,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        let count = read(self.room(most))?.min(most);
        self.end += count;
        Ok(count)
    }

    fn room(&mut self, size: usize) -> &mut [u8] {
        let end = self.end + size;
        // Grown once and kept.
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.end..end]
    }

    /// Completes the frame: writes the head before the payload.
    pub(super) fn seal(&mut self, kind: FrameKind) {
        let length = (self.end - HEAD) as u64 + self.rest.as_ref().map_or(0, LogExtent::left);
        let code = match kind {
            FrameKind::Text => 1,
            FrameKind::Binary => 2,
        };
        let mut head = [0; HEAD];
        head[0] = 0x80 | code;
        let size = match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short), _) if short < 126 => {
                head[1] = short;
                2
            }
            (_, Ok(middle)) => {
                head[1] = 126;
                head[2..4].copy_from_slice(&middle.to_be_bytes());
                4
            }
            _ => {
                head[1] = 127;
                head[2..].copy_from_slice(&length.to_be_bytes());
                HEAD
            }
        };
        self.sent = HEAD - size;
        if self.bytes.len() < HEAD {
            self.bytes.resize(HEAD, 0);
        }
        self.bytes[HEAD - size..HEAD].copy_from_slice(&head[..size]);
    }

    /// Discards the payload.
    pub(super) fn drop_payload(&mut self) {
        if self.bytes.len() > HEAD + KEPT {
            self.bytes = Vec::new();
        }
        self.end = 0;
        self.sent = 0;
        self.rest = None;
    }

    /// Writes the rest of a sealed frame and adds the written bytes to `written`; `WouldBlock` if a part is left.
    pub(super) fn write_to(&mut self, mut to: impl Write + AsFd, written: &mut u64) -> io::Result<()> {
        while self.sent < self.end {
            match to.write(&self.bytes[self.sent..self.end]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.sent += count;
                    *written += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        while let Some(rest) = self.rest.as_mut().filter(|rest| rest.left() > 0) {
            *written += rest.send_to(to.as_fd())?;
        }
        Ok(())
    }
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room(bytes.len()).copy_from_slice(bytes);
        self.end += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Seek as _};
    use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
    use tungstenite::{Bytes, Message};

    fn frame(kind: FrameKind, payload: &[u8]) -> Vec<u8> {
        let mut outgoing = Outgoing::default();
        outgoing.begin().write_all(payload).unwrap();
        outgoing.seal(kind);
        written(&mut outgoing)
    }

    fn written(outgoing: &mut Outgoing) -> Vec<u8> {
        let mut file = tempfile::tempfile().unwrap();
        outgoing.write_to(&mut file, &mut 0).unwrap();
        let mut out = Vec::new();
        file.seek(io::SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn a_frame_of_any_length_is_read_as_it_was_laid_in() {
        for length in [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 300_000] {
            let payload = vec![b'x'; length];
            let config = WebSocketConfig::default().accept_unmasked_frames(true);
            let read = |kind| {
                let bytes = io::Cursor::new(frame(kind, &payload));
                WebSocket::from_raw_socket(bytes, Role::Client, Some(config)).read().unwrap()
            };
            assert_eq!(read(FrameKind::Binary), Message::Binary(Bytes::from(payload.clone())), "{length}");
            assert_eq!(read(FrameKind::Text), Message::text("x".repeat(length)), "{length}");
        }
    }

    #[test]
    fn what_is_given_up_is_not_sent_and_its_room_is_given_back() {
        let mut outgoing = Outgoing::default();
        outgoing.begin().fill(100_000, |room| io::Result::Ok(room.len())).unwrap();
        outgoing.drop_payload();
        assert!(written(&mut outgoing).is_empty() && outgoing.bytes.is_empty());
        let refused = outgoing.begin().fill(10, |_| Err(io::Error::from(io::ErrorKind::WouldBlock)));
        assert!(refused.is_err() && outgoing.end == HEAD);
    }
}
