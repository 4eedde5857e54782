//! The loop of one WebSocket: it listens, speaks and sleeps; what is said is behind [`Talk`].

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tungstenite::error::{CapacityError, Error as WsError};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocket, WebSocketConfig};
use tungstenite::{Bytes, Message, Utf8Bytes};

use crate::http::limits::{MESSAGE_BYTES, PINGS_A_SECOND, QUEUE_BYTES};
use crate::http::server::{Seat, Shared};
use crate::http::stream::Stream;
use crate::http::ws::outgoing::Outgoing;
use crate::http::ws::pulse::{Patience, Pulse};
use crate::http::ws::talk::{Farewell, Heard, Take, Talk};
use crate::runner::wake::Waker;

/// A WebSocket that was agreed on: the answer's head, and what it will be about.
pub(in crate::http) struct Opening {
    pub(super) head: Vec<u8>,
    pub(super) seat: Seat,
    pub(super) waker: Waker,
    pub(super) talk: Box<dyn Talk>,
}

/// The socket and the frame on its way. Counts what the client took: progress is life.
#[derive(Debug)]
struct Wire {
    stream: Arc<Stream>,
    outgoing: Outgoing,
    written: u64,
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (&*self.stream).read(into)
    }
}

/// What the library says (a ping, a close) goes between two frames, never into one.
impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let count = (&*self.stream).write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.outgoing.write_to(&*self.stream, &mut self.written)
    }
}

/// So many messages are sent before the client is listened to again.
const BURST: usize = 16;

struct Session {
    ws: WebSocket<Wire>,
    /// The client takes no more for now.
    blocked: bool,
    /// The talk took no more: what was read already may wait to be heard.
    unheard: bool,
    /// Our close was sent: only the client's is awaited.
    closing: bool,
    pulse: Pulse,
    pings: (Instant, u32),
}

/// Serves a WebSocket until it ends. `unread` came behind the request already.
pub(in crate::http) fn run(server: &Arc<Shared>, stream: &Arc<Stream>, unread: Vec<u8>, opening: Opening) {
    let Opening { head, seat, waker, mut talk } = opening;
    if (&**stream).write_all(&head).is_err() || stream.set_nonblocking(true).is_err() {
        return;
    }
    server.metrics.sockets_opened.fetch_add(1, Ordering::Relaxed);
    let mut session = Session::new(stream, unread, Patience::default());
    let ended = session.serve(&|| server.is_stopping(), &waker, talk.as_mut());
    server.metrics.socket_bytes.fetch_add(session.ws.get_ref().written, Ordering::Relaxed);
    if ended.is_err() {
        server.metrics.sockets_dropped.fetch_add(1, Ordering::Relaxed);
    }
    // The talk first: whoever sees the seat free may count what it held.
    drop(talk);
    drop(seat);
    stream.shutdown(Shutdown::Both);
}

/// The client is gone, or was given up.
#[derive(Debug)]
struct Dropped;

/// What ended a sleep, beside the source and the time.
#[derive(Clone, Copy, Debug)]
struct Woken {
    by_client: bool,
    by_waker: bool,
}

impl Session {
    fn new(stream: &Arc<Stream>, unread: Vec<u8>, patience: Patience) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(0)
            .max_write_buffer_size(QUEUE_BYTES)
            .max_message_size(Some(MESSAGE_BYTES))
            .max_frame_size(Some(MESSAGE_BYTES));
        let wire = Wire { stream: Arc::clone(stream), outgoing: Outgoing::default(), written: 0 };
        let now = Instant::now();
        Self {
            ws: WebSocket::from_partially_read(wire, unread, Role::Server, Some(config)),
            blocked: false,
            unheard: false,
            closing: false,
            pulse: Pulse::new(now, patience),
            pings: (now, 0),
        }
    }

    fn serve(&mut self, stopping: &dyn Fn() -> bool, waker: &Waker, talk: &mut dyn Talk) -> Result<(), Dropped> {
        // Something may have come behind the request.
        let mut woken = Woken { by_client: true, by_waker: true };
        loop {
            // Before looking: what happens meanwhile wakes the next sleep.
            if woken.by_waker {
                waker.clear();
            }
            if stopping() && !self.closing {
                self.close(&Farewell::STOPPING);
            }
            if (woken.by_client || self.unheard) && self.listen(talk)? {
                return Ok(());
            }
            if self.blocked {
                // Before trying again: that may find room which no client made.
                self.look()?;
                self.flush()?;
            }
            let more = if self.closing || self.blocked { false } else { self.speak(talk)? };
            let limit = self.look()?;
            woken = self.sleep(waker, talk, if more && !self.blocked { Duration::ZERO } else { limit })?;
        }
    }

    /// Hears all that was said. `true`: the WebSocket has ended.
    fn listen(&mut self, talk: &mut dyn Talk) -> Result<bool, Dropped> {
        loop {
            self.unheard = talk.is_full();
            if self.unheard {
                return Ok(false);
            }
            match self.ws.read() {
                Ok(message) => {
                    self.pulse.heard(Instant::now());
                    self.hear(talk, &message);
                }
                Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(WsError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => return Ok(true),
                Err(WsError::Io(_)) => return Err(Dropped),
                Err(error) => {
                    self.close(&objection(&error));
                    // What follows cannot be understood any more.
                    let _ = self.ws.flush();
                    if self.ws.get_ref().stream.set_nonblocking(false).is_ok() {
                        self.ws.get_ref().stream.linger();
                    }
                    return Err(Dropped);
                }
            }
        }
    }

    fn hear(&mut self, talk: &mut dyn Talk, message: &Message) {
        // After our goodbye only the client's is awaited.
        if self.closing {
            return;
        }
        let heard = match message {
            Message::Text(text) => talk.hear(Heard::Text(text.as_str())),
            Message::Binary(bytes) => talk.hear(Heard::Binary(bytes)),
            Message::Ping(_) => self.count_ping(),
            Message::Pong(_) | Message::Close(_) | Message::Frame(_) => Ok(()),
        };
        if let Err(farewell) = heard {
            self.close(&farewell);
        }
    }

    fn count_ping(&mut self) -> Result<(), Farewell> {
        if self.pings.0.elapsed() > Duration::from_secs(1) {
            self.pings = (Instant::now(), 0);
        }
        self.pings.1 += 1;
        if self.pings.1 > PINGS_A_SECOND { Err(Farewell::FLOOD) } else { Ok(()) }
    }

    /// Sends what there is, as long as the client takes it. `true`: there is more.
    fn speak(&mut self, talk: &mut dyn Talk) -> Result<bool, Dropped> {
        if self.pulse.wants_ping(Instant::now()) {
            self.send(Message::Ping(Bytes::new()))?;
        }
        for _ in 0..BURST {
            // An answer of the library may still wait, and goes first.
            self.flush()?;
            if self.blocked {
                return Ok(true);
            }
            let outgoing = self.ws.get_mut().outgoing.begin();
            match talk.take(outgoing) {
                Take::Frame(kind) => {
                    outgoing.seal(kind);
                    self.flush()?;
                }
                Take::Nothing => {
                    outgoing.drop_payload();
                    return Ok(false);
                }
                Take::End(farewell) => {
                    outgoing.drop_payload();
                    self.close(&farewell);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn send(&mut self, message: Message) -> Result<(), Dropped> {
        match self.ws.send(message) {
            Ok(()) => Ok(()),
            // It is queued, and goes on when the client takes more.
            Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                self.blocked = true;
                Ok(())
            }
            Err(_) => Err(Dropped),
        }
    }

    fn flush(&mut self) -> Result<(), Dropped> {
        match self.ws.flush() {
            Ok(()) => self.blocked = false,
            Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
            // Both have said their last: the next read finds that out.
            Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => self.blocked = true,
            Err(_) => return Err(Dropped),
        }
        Ok(())
    }

    fn close(&mut self, farewell: &Farewell) {
        self.closing = true;
        self.pulse.closing(Instant::now());
        let frame =
            CloseFrame { code: CloseCode::from(farewell.code), reason: Utf8Bytes::from_static(farewell.reason) };
        let _ = self.ws.close(Some(frame));
        self.blocked = true;
    }

    /// How long to sleep at most.
    fn look(&mut self) -> Result<Duration, Dropped> {
        self.pulse.look(self.ws.get_ref().written, self.blocked, Instant::now()).ok_or(Dropped)
    }

    fn sleep(&self, waker: &Waker, talk: &dyn Talk, limit: Duration) -> Result<Woken, Dropped> {
        let socket = &*self.ws.get_ref().stream;
        let mut events = if talk.is_full() { PollFlags::empty() } else { PollFlags::IN };
        events.set(PollFlags::OUT, self.blocked);
        let limit = Timespec::try_from(limit).map_err(|_| Dropped)?;
        let client = PollFd::new(socket, events);
        // A client that takes nothing is not asked to take more.
        let (mut one, mut two, mut three);
        let fds: &mut [PollFd<'_>] = match talk.source() {
            _ if self.blocked => {
                one = [client];
                &mut one
            }
            None => {
                two = [client, PollFd::from_borrowed_fd(waker.as_fd(), PollFlags::IN)];
                &mut two
            }
            Some(source) => {
                let source = PollFd::from_borrowed_fd(source, talk.awaits());
                three = [client, PollFd::from_borrowed_fd(waker.as_fd(), PollFlags::IN), source];
                &mut three
            }
        };
        match poll(fds, Some(&limit)) {
            // Nobody would hear of it, and `poll` would not sleep again.
            Ok(_) if talk.is_full() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) => {
                return Err(Dropped);
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Err(Dropped),
        }
        let rung = |place: usize| fds.get(place).is_some_and(|fd: &PollFd<'_>| !fd.revents().is_empty());
        Ok(Woken { by_client: rung(0), by_waker: rung(1) })
    }
}

/// What a client is told that broke the protocol or a limit.
fn objection(error: &WsError) -> Farewell {
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            Farewell { code: 1009, reason: "a message is too long" }
        }
        WsError::Utf8(_) => Farewell { code: 1007, reason: "text that is no UTF-8" },
        _ => Farewell { code: 1002, reason: "not the protocol" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ws::outgoing::Kind;
    use std::os::unix::net::UnixStream;

    /// Has more to say than anybody takes.
    struct Endless {
        taken: usize,
    }

    const PIECE: usize = 64 * 1024;

    impl Talk for Endless {
        fn take(&mut self, payload: &mut Outgoing) -> Take {
            self.taken += 1;
            payload.write_all(&[b'x'; PIECE]).unwrap();
            Take::Frame(Kind::Binary)
        }

        fn hear(&mut self, _heard: Heard<'_>) -> Result<(), Farewell> {
            Ok(())
        }
    }

    fn session(patience: Patience) -> (Session, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (Session::new(&Arc::new(Stream::Unix(ours)), Vec::new(), patience), theirs)
    }

    #[test]
    fn who_never_reads_is_given_up_and_little_waits_for_it() {
        let patience = Patience { ping: Duration::from_millis(50), dead: Duration::from_secs(60) };
        let (mut session, _theirs) = session(patience);
        let mut talk = Endless { taken: 0 };
        assert!(session.serve(&|| false, &Waker::new().unwrap(), &mut talk).is_err());
        let waits = talk.taken * PIECE - usize::try_from(session.ws.get_ref().written).unwrap();
        assert!(waits <= PIECE, "{waits} bytes wait for one that does not read");
    }

    #[test]
    fn an_answer_never_breaks_into_a_frame() {
        let patience = Patience { ping: Duration::from_secs(20), dead: Duration::from_secs(60) };
        let (mut session, theirs) = session(patience);
        let mut client = WebSocket::from_raw_socket(theirs, Role::Client, None);
        // Before it reads: so the first frames are stuck when the pings are heard.
        for number in 0..20_u8 {
            client.send(Message::Ping(Bytes::from(vec![number]))).unwrap();
        }
        let waker = Waker::new().unwrap();
        let served = std::thread::spawn(move || session.serve(&|| false, &waker, &mut Endless { taken: 0 }));
        let (mut frames, mut pong) = (0, None);
        while frames < 500 {
            match client.read().unwrap() {
                Message::Binary(bytes) => {
                    assert!(bytes.len() == PIECE && bytes.iter().all(|byte| *byte == b'x'));
                    frames += 1;
                    if frames % 50 == 0 {
                        client.send(Message::Ping(Bytes::from_static(b"more"))).unwrap();
                    }
                }
                Message::Pong(bytes) => pong = Some(bytes),
                other => panic!("{other:?}"),
            }
        }
        assert!(pong.is_some(), "pings are answered on the way");
        drop(client);
        assert!(served.join().unwrap().is_err());
    }
}
