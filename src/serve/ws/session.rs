//! The loop of one WebSocket: receive, send, sleep. The content comes from a [`Channel`].

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

use crate::lifecycle::event_fd::EventFd;
use crate::serve::limits::{MESSAGE_BYTES, PINGS_A_SECOND, QUEUE_BYTES};
use crate::serve::server::{HttpServer, SocketPermit};
use crate::serve::stream::ClientStream;
use crate::serve::ws::channel::{Channel, CloseReason, Inbound, Outbound};
use crate::serve::ws::keepalive::{Keepalive, KeepaliveLimits};
use crate::serve::ws::outgoing::Outgoing;

/// An accepted WebSocket that was not answered yet.
pub(in crate::serve) struct Upgrade {
    pub(super) head: Vec<u8>,
    pub(super) permit: SocketPermit,
    pub(super) waker: EventFd,
    pub(super) channel: Box<dyn Channel>,
}

/// The socket and the frame that is being sent. Counts the bytes that the client took.
#[derive(Debug)]
struct FrameStream {
    stream: Arc<ClientStream>,
    outgoing: Outgoing,
    written: u64,
}

impl Read for FrameStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (&*self.stream).read(into)
    }
}

/// The library's own frames (ping, pong, close) are written between two frames, never inside one.
impl Write for FrameStream {
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

/// At most this many messages are sent before the client's messages are read again.
const BURST: usize = 16;

struct SocketSession {
    ws: WebSocket<FrameStream>,
    /// Writing would block.
    blocked: bool,
    /// The channel was full: messages that were read already may be pending.
    pending: bool,
    /// Our close frame was sent, the client's is awaited.
    closing: bool,
    keepalive: Keepalive,
    pings: (Instant, u32),
}

/// Serves a WebSocket until it ends. `unread` are bytes that followed the request.
pub(in crate::serve) fn run(server: &Arc<HttpServer>, stream: &Arc<ClientStream>, unread: Vec<u8>, upgrade: Upgrade) {
    let Upgrade { head, permit, waker, mut channel } = upgrade;
    if (&**stream).write_all(&head).is_err() || stream.set_nonblocking(true).is_err() {
        return;
    }
    server.metrics.sockets_opened.fetch_add(1, Ordering::Relaxed);
    let mut session = SocketSession::new(stream, unread, KeepaliveLimits::default());
    let ended = session.serve(&|| server.is_stopping(), &waker, channel.as_mut());
    server.metrics.socket_bytes.fetch_add(session.ws.get_ref().written, Ordering::Relaxed);
    if ended.is_err() {
        server.metrics.sockets_dropped.fetch_add(1, Ordering::Relaxed);
    }
    // In this order: when another thread gets the permit, the channel's resources must be free.
    drop(channel);
    drop(permit);
    stream.shutdown(Shutdown::Both);
}

/// The connection ended, or the client was dropped.
#[derive(Debug)]
struct Dropped;

/// What ended a sleep; both `false`: the source or the time.
#[derive(Clone, Copy, Debug)]
struct WakeCause {
    by_client: bool,
    by_waker: bool,
}

impl SocketSession {
    fn new(stream: &Arc<ClientStream>, unread: Vec<u8>, limits: KeepaliveLimits) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(0)
            .max_write_buffer_size(QUEUE_BYTES)
            .max_message_size(Some(MESSAGE_BYTES))
            .max_frame_size(Some(MESSAGE_BYTES));
        let wire = FrameStream { stream: Arc::clone(stream), outgoing: Outgoing::default(), written: 0 };
        let now = Instant::now();
        Self {
            ws: WebSocket::from_partially_read(wire, unread, Role::Server, Some(config)),
            blocked: false,
            pending: false,
            closing: false,
            keepalive: Keepalive::new(now, limits),
            pings: (now, 0),
        }
    }

    fn serve(
        &mut self,
        stopping: &dyn Fn() -> bool,
        waker: &EventFd,
        channel: &mut dyn Channel,
    ) -> Result<(), Dropped> {
        // Bytes may have followed the request.
        let mut cause = WakeCause { by_client: true, by_waker: true };
        loop {
            // Cleared before anything is read, so that later events end the next sleep.
            if cause.by_waker {
                waker.clear();
            }
            if stopping() && !self.closing {
                self.close(&CloseReason::STOPPING);
            }
            if (cause.by_client || self.pending) && self.receive_all(channel)? {
                return Ok(());
            }
            if self.blocked {
                // Before the next write, which may succeed without the client having read.
                self.update_keepalive()?;
                self.flush()?;
            }
            let more = if self.closing || self.blocked { false } else { self.send_next(channel)? };
            let limit = self.update_keepalive()?;
            cause = self.sleep(waker, channel, if more && !self.blocked { Duration::ZERO } else { limit })?;
        }
    }

    /// Receives all messages that have arrived. `true`: the WebSocket has ended.
    fn receive_all(&mut self, channel: &mut dyn Channel) -> Result<bool, Dropped> {
        loop {
            self.pending = channel.is_full();
            if self.pending {
                return Ok(false);
            }
            match self.ws.read() {
                Ok(message) => {
                    self.keepalive.received(Instant::now());
                    self.receive(channel, &message);
                }
                Err(WsError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(WsError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => return Ok(true),
                Err(WsError::Io(_)) => return Err(Dropped),
                Err(error) => {
                    self.close(&protocol_error(&error));
                    // The bytes that follow cannot be parsed.
                    let _ = self.ws.flush();
                    if self.ws.get_ref().stream.set_nonblocking(false).is_ok() {
                        self.ws.get_ref().stream.linger();
                    }
                    return Err(Dropped);
                }
            }
        }
    }

    fn receive(&mut self, channel: &mut dyn Channel, message: &Message) {
        // After our close frame, messages are ignored.
        if self.closing {
            return;
        }
        let received = match message {
            Message::Text(text) => channel.receive(Inbound::Text(text.as_str())),
            Message::Binary(bytes) => channel.receive(Inbound::Binary(bytes)),
            Message::Ping(_) => self.count_ping(),
            Message::Pong(_) | Message::Close(_) | Message::Frame(_) => Ok(()),
        };
        if let Err(reason) = received {
            self.close(&reason);
        }
    }

    fn count_ping(&mut self) -> Result<(), CloseReason> {
        if self.pings.0.elapsed() > Duration::from_secs(1) {
            self.pings = (Instant::now(), 0);
        }
        self.pings.1 += 1;
        if self.pings.1 > PINGS_A_SECOND { Err(CloseReason::FLOOD) } else { Ok(()) }
    }

    /// Sends messages while the client takes them. `true`: there are more.
    fn send_next(&mut self, channel: &mut dyn Channel) -> Result<bool, Dropped> {
        if self.keepalive.wants_ping(Instant::now()) {
            self.send(Message::Ping(Bytes::new()))?;
        }
        for _ in 0..BURST {
            // A queued frame of the library is sent first.
            self.flush()?;
            if self.blocked {
                return Ok(true);
            }
            let outgoing = self.ws.get_mut().outgoing.begin();
            match channel.next(outgoing) {
                Outbound::Frame(kind) => {
                    outgoing.seal(kind);
                    self.flush()?;
                }
                Outbound::Nothing => {
                    outgoing.drop_payload();
                    return Ok(false);
                }
                Outbound::Close(reason) => {
                    outgoing.drop_payload();
                    self.close(&reason);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn send(&mut self, message: Message) -> Result<(), Dropped> {
        match self.ws.send(message) {
            Ok(()) => Ok(()),
            // The library has queued it.
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
            // Close handshake done; the next read returns ConnectionClosed.
            Err(WsError::ConnectionClosed | WsError::AlreadyClosed) => self.blocked = true,
            Err(_) => return Err(Dropped),
        }
        Ok(())
    }

    fn close(&mut self, reason: &CloseReason) {
        self.closing = true;
        self.keepalive.closing(Instant::now());
        let frame = CloseFrame { code: CloseCode::from(reason.code), reason: Utf8Bytes::from_static(reason.reason) };
        let _ = self.ws.close(Some(frame));
        self.blocked = true;
    }

    /// Returns the longest sleep. Fails when the client is to be dropped.
    fn update_keepalive(&mut self) -> Result<Duration, Dropped> {
        self.keepalive.update(self.ws.get_ref().written, self.blocked, Instant::now()).ok_or(Dropped)
    }

    fn sleep(&self, waker: &EventFd, channel: &dyn Channel, limit: Duration) -> Result<WakeCause, Dropped> {
        let socket = &*self.ws.get_ref().stream;
        let mut events = if channel.is_full() { PollFlags::empty() } else { PollFlags::IN };
        events.set(PollFlags::OUT, self.blocked);
        let limit = Timespec::try_from(limit).map_err(|_| Dropped)?;
        let client = PollFd::new(socket, events);
        // While blocked, waker and source are ignored: nothing more can be sent.
        let (mut one, mut two, mut three);
        let fds: &mut [PollFd<'_>] = match channel.source() {
            _ if self.blocked => {
                one = [client];
                &mut one
            }
            None => {
                two = [client, PollFd::from_borrowed_fd(waker.as_fd(), PollFlags::IN)];
                &mut two
            }
            Some(source) => {
                let source = PollFd::from_borrowed_fd(source, channel.source_events());
                three = [client, PollFd::from_borrowed_fd(waker.as_fd(), PollFlags::IN), source];
                &mut three
            }
        };
        match poll(fds, Some(&limit)) {
            // A full channel does not read, so it would never see the hang-up, and `poll` would not sleep again.
            Ok(_) if channel.is_full() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) => {
                return Err(Dropped);
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Err(Dropped),
        }
        let is_ready = |place: usize| fds.get(place).is_some_and(|fd: &PollFd<'_>| !fd.revents().is_empty());
        Ok(WakeCause { by_client: is_ready(0), by_waker: is_ready(1) })
    }
}

/// The close reason for a client that broke the protocol or a limit.
fn protocol_error(error: &WsError) -> CloseReason {
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            CloseReason { code: 1009, reason: "a message is too long" }
        }
        WsError::Utf8(_) => CloseReason { code: 1007, reason: "text that is no UTF-8" },
        _ => CloseReason { code: 1002, reason: "not the protocol" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::ws::outgoing::FrameKind;
    use std::os::unix::net::UnixStream;

    /// A channel that always has more to send.
    struct Endless {
        taken: usize,
    }

    const PIECE: usize = 64 * 1024;

    impl Channel for Endless {
        fn next(&mut self, payload: &mut Outgoing) -> Outbound {
            self.taken += 1;
            payload.write_all(&[b'x'; PIECE]).unwrap();
            Outbound::Frame(FrameKind::Binary)
        }

        fn receive(&mut self, _message: Inbound<'_>) -> Result<(), CloseReason> {
            Ok(())
        }
    }

    fn session(limits: KeepaliveLimits) -> (SocketSession, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (SocketSession::new(&Arc::new(ClientStream(ours)), Vec::new(), limits), theirs)
    }

    #[test]
    fn who_never_reads_is_given_up_and_little_waits_for_it() {
        let limits = KeepaliveLimits { ping: Duration::from_millis(50), dead: Duration::from_secs(60) };
        let (mut session, _theirs) = session(limits);
        let mut channel = Endless { taken: 0 };
        assert!(session.serve(&|| false, &EventFd::new().unwrap(), &mut channel).is_err());
        let waits = channel.taken * PIECE - usize::try_from(session.ws.get_ref().written).unwrap();
        assert!(waits <= PIECE, "{waits} bytes wait for one that does not read");
    }

    #[test]
    fn an_answer_never_breaks_into_a_frame() {
        let limits = KeepaliveLimits { ping: Duration::from_secs(20), dead: Duration::from_secs(60) };
        let (mut session, theirs) = session(limits);
        let mut client = WebSocket::from_raw_socket(theirs, Role::Client, None);
        // The pings are sent before the client reads: so the first frames block while the server receives the pings.
        for number in 0..20_u8 {
            client.send(Message::Ping(Bytes::from(vec![number]))).unwrap();
        }
        let waker = EventFd::new().unwrap();
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
