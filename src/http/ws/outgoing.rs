//! The frame that is on its way to a client, in a buffer that is used again.
//!
//! A log goes out as it is read: one copy, one write. (The library would take a buffer for each
//! frame and copy it once more.) Frames of a server are not masked, so their head is all there is
//! to them. Must not know what is sent.

use std::io::{self, Write};
use std::os::fd::AsFd;

use crate::runner::tail::Extent;

/// The longest head.
const HEAD: usize = 10;
/// A payload's room at most this long is kept while there is nothing to send.
pub(super) const KEPT: usize = 4096;

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Kind {
    /// UTF-8, as whoever lays it in has to see to.
    Text,
    Binary,
}

/// See the module. Payloads are laid in by [`Write`], which does not fail, or by [`Self::fill`].
#[derive(Debug, Default)]
pub(in crate::http) struct Outgoing {
    /// Room for a head, then the payload, then what an earlier one left.
    bytes: Vec<u8>,
    /// The payload's end; 0 where nothing is on its way.
    end: usize,
    sent: usize,
    /// What of the payload is still in its file.
    rest: Option<Extent>,
}

impl Outgoing {
    /// An empty payload, to be laid in.
    pub(super) fn begin(&mut self) -> &mut Self {
        self.end = HEAD;
        // Until it is sealed nothing is to be sent.
        self.sent = HEAD;
        self.rest = None;
        self
    }

    /// The payload is this, and goes from its file to the client.
    pub(super) fn attach(&mut self, rest: Extent) {
        self.rest = Some(rest);
    }

    /// Lets `read` write into the next `most` bytes, which hold anything; it returns how many it
    /// wrote.
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
        // Grown once and kept, for who has much to say.
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.end..end]
    }

    /// The payload is whole: puts its head before it.
    pub(super) fn seal(&mut self, kind: Kind) {
        let length = (self.end - HEAD) as u64 + self.rest.as_ref().map_or(0, Extent::left);
        let code = match kind {
            Kind::Text => 1,
            Kind::Binary => 2,
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

    /// There is nothing to send after all.
    pub(super) fn drop_payload(&mut self) {
        if self.bytes.len() > HEAD + KEPT {
            self.bytes = Vec::new();
        }
        self.end = 0;
        self.sent = 0;
        self.rest = None;
    }

    /// Writes what is left of a sealed frame, as far as it is taken, and counts it; `WouldBlock` where
    /// that is not all.
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

    fn frame(kind: Kind, payload: &[u8]) -> Vec<u8> {
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
            assert_eq!(read(Kind::Binary), Message::Binary(Bytes::from(payload.clone())), "{length}");
            assert_eq!(read(Kind::Text), Message::text("x".repeat(length)), "{length}");
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
