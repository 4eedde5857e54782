//! The one table of limits (CONTRACT section 6). Tests name these rows; change both together.

use std::time::Duration;

/// Request line and headers together, in bytes.
pub(super) const HEAD_BYTES: usize = 16 * 1024;
/// Header lines.
pub(super) const HEAD_LINES: usize = 64;
/// From the first byte of a head to its end.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(5);
/// Segments of a path: no route has more than a few.
pub(super) const PATH_SEGMENTS: usize = 32;
/// A request's body, in bytes.
pub(super) const BODY_BYTES: usize = 1024 * 1024;
/// From a head's end to its body's.
pub(super) const BODY_TIME: Duration = Duration::from_secs(10);
/// Between two requests of one connection.
pub(super) const IDLE: Duration = Duration::from_secs(15);
/// A reply of which nothing could be written for so long is given up.
pub(super) const WRITE_STALL: Duration = Duration::from_secs(10);

pub(super) const CONNECTIONS: usize = 256;
pub(super) const SOCKETS: usize = 64;

/// Between two pings of a WebSocket.
pub(super) const PING: Duration = Duration::from_secs(20);
/// A client that was not heard, and took nothing, for so long is gone.
pub(super) const DEAD: Duration = Duration::from_secs(60);
/// A message from a client, in bytes.
pub(super) const MESSAGE_BYTES: usize = 64 * 1024;
/// What may wait for one client beside the message that is being sent, in bytes.
pub(super) const QUEUE_BYTES: usize = 1024 * 1024;
/// Pings from a client in one second.
pub(super) const PINGS_A_SECOND: u32 = 100;

/// How long a ticket may wait for its WebSocket.
pub(super) const TICKET_TIME: Duration = Duration::from_secs(60);
/// Tickets that wait at once.
pub(super) const TICKETS: usize = 1024;

/// How long a stopping server waits for replies that are on their way.
pub(super) const STOP_GRACE: Duration = Duration::from_secs(3);
/// Of the threads that serve connections.
pub(super) const STACK: usize = 256 * 1024;
