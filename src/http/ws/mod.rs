//! WebSockets: opening one, the loop that serves it, and what each is about.
//!
//! One thread each. It sleeps in `poll` on its socket, its waker and its source; nothing ticks
//! but the ping.

pub(super) mod events;
pub(super) mod logs;
pub(super) mod opening;
pub(super) mod outgoing;
mod pulse;
pub(super) mod session;
pub(super) mod talk;
pub(super) mod terminal;
