//! WebSockets: the upgrade, the loop that serves one, and the channels with its content.
//!
//! One thread for each. It sleeps in `poll` on its socket, its waker and its channel's source; only the ping is timed.

mod channel;
mod events;
mod keepalive;
mod logs;
mod outgoing;
pub(super) mod session;
mod terminal;
pub(super) mod upgrade;
