//! All limits of the server.

use std::sync::OnceLock;
use std::time::Duration;

/// Bytes of request line and headers.
pub(super) const HEAD_BYTES: usize = 16 * 1024;
/// Header lines.
pub(super) const HEAD_LINES: usize = 64;
/// Segments of a path.
pub(super) const PATH_SEGMENTS: usize = 32;
/// A request's body, in bytes.
pub(super) const BODY_BYTES: usize = 1024 * 1024;

pub(super) const CONNECTIONS: usize = 256;
pub(super) const SOCKETS: usize = 64;

/// A message from a client, in bytes.
pub(super) const MESSAGE_BYTES: usize = 64 * 1024;
/// Bytes that are queued for one client, beside the message that is being sent.
pub(super) const QUEUE_BYTES: usize = 1024 * 1024;
/// Pings from a client in one second.
pub(super) const PINGS_A_SECOND: u32 = 100;

/// The lifetime of a ticket.
pub(super) const TICKET_TIME: Duration = Duration::from_secs(60);
/// Most unused tickets.
pub(super) const TICKETS: usize = 1024;

/// A stopping server waits this long for responses that are being written.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(3);
/// Stack of a thread that serves a connection, in bytes.
pub(super) const STACK: usize = 256 * 1024;

/// How long the server waits for a client.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// From the first byte of a head to its end, and for the first byte of a connection.
    pub(super) head: Duration,
    /// From the end of a head to the end of its body.
    pub(super) body: Duration,
    /// Between two requests of one connection.
    pub(super) idle: Duration,
    /// A response is given up if nothing of it could be written for this long.
    pub(super) write_stall: Duration,
    /// Between two pings of a WebSocket.
    pub(super) ping: Duration,
    /// A client of a WebSocket is dropped if it sends and receives nothing for this long.
    pub(super) dead: Duration,
}

/// Set once, before the server accepts.
static TIMES: OnceLock<Times> = OnceLock::new();

pub(super) fn times() -> &'static Times {
    TIMES.get_or_init(Times::default)
}

impl Default for Times {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            body: Duration::from_secs(10),
            idle: Duration::from_secs(15),
            write_stall: Duration::from_secs(10),
            ping: Duration::from_secs(20),
            dead: Duration::from_secs(60),
        }
    }
}

impl Times {
    /// Replaces one time by its name, for tests that would have to wait for it. `None`: there is no such time.
    pub fn set(&mut self, name: &str, time: Duration) -> Option<()> {
        let field = match name {
            "head" => &mut self.head,
            "body" => &mut self.body,
            "idle" => &mut self.idle,
            "write-stall" => &mut self.write_stall,
            "ping" => &mut self.ping,
            "dead" => &mut self.dead,
            _ => return None,
        };
        *field = time;
        Some(())
    }

    /// Uses these times in this process. Without effect once the server runs.
    pub fn apply(self) {
        let _ = TIMES.set(self);
    }
}
