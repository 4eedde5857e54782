//! The content of a WebSocket as its loop sees it: a channel gives the next message when the client can take more,
//! and receives the client's messages.

use std::os::fd::BorrowedFd;

use rustix::event::PollFlags;

use crate::serve::ws::outgoing::{FrameKind, Outgoing};

pub(in crate::serve) trait Channel {
    /// Writes the next message into `payload`, which is empty. Called whenever the client can take more.
    fn next(&mut self, payload: &mut Outgoing) -> Outbound;

    /// Handles a message of the client. An error closes the WebSocket.
    fn receive(&mut self, message: Inbound<'_>) -> Result<(), CloseReason>;

    /// A descriptor that wakes the loop, beside the waker.
    fn source(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// The events of the source that wake the loop.
    fn source_events(&self) -> PollFlags {
        PollFlags::IN
    }

    /// Whether the channel cannot receive now: the loop stops reading from the client.
    fn is_full(&self) -> bool {
        false
    }
}

/// The result of [`Channel::next`].
#[derive(Debug)]
pub(in crate::serve) enum Outbound {
    Frame(FrameKind),
    /// Nothing now: the waker or the source signals more.
    Nothing,
    Close(CloseReason),
}

pub(in crate::serve) enum Inbound<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

/// Why a WebSocket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve) struct CloseReason {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

impl CloseReason {
    pub(in crate::serve) const DONE: Self = Self { code: 1000, reason: "end" };
    pub(in crate::serve) const READ_ONLY: Self = Self { code: 1008, reason: "this ticket may only read" };
    pub(in crate::serve) const NOT_UNDERSTOOD: Self = Self { code: 1008, reason: "not a message that is known here" };
    pub(in crate::serve) const BROKEN: Self = Self { code: 1011, reason: "the server made a mistake" };
    pub(super) const STOPPING: Self = Self { code: 1001, reason: "server stopping" };
    pub(super) const FLOOD: Self = Self { code: 1008, reason: "too many pings" };
}
