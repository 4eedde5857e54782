//! What a WebSocket is about, as its loop sees it: something that says the next frame when the
//! client can take more, and hears what the client says.

use std::os::fd::BorrowedFd;

use rustix::event::PollFlags;

use crate::http::ws::outgoing::{Kind, Outgoing};

/// What a WebSocket is about.
pub(in crate::http) trait Talk {
    /// What to send next, laid into `payload`, which is empty. Asked whenever the client can take
    /// more.
    fn take(&mut self, payload: &mut Outgoing) -> Take;

    /// A message of the client.
    fn hear(&mut self, heard: Heard<'_>) -> Result<(), Farewell>;

    /// Wakes the talk when it can be read, beside the waker.
    fn source(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// What of the source wakes the talk.
    fn awaits(&self) -> PollFlags {
        PollFlags::IN
    }

    /// No more can be heard for now: the client has to wait.
    fn is_full(&self) -> bool {
        false
    }
}

/// See [`Talk::take`].
#[derive(Debug)]
pub(in crate::http) enum Take {
    Frame(Kind),
    /// Nothing for now; the waker or the source will tell.
    Nothing,
    End(Farewell),
}

pub(in crate::http) enum Heard<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

/// Why a WebSocket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct Farewell {
    pub(super) code: u16,
    pub(super) reason: &'static str,
}

impl Farewell {
    pub(in crate::http) const DONE: Self = Self { code: 1000, reason: "end" };
    pub(in crate::http) const READ_ONLY: Self = Self { code: 1008, reason: "this ticket may only read" };
    pub(in crate::http) const NOT_UNDERSTOOD: Self = Self { code: 1008, reason: "not a message that is known here" };
    pub(in crate::http) const BROKEN: Self = Self { code: 1011, reason: "the server made a mistake" };
    pub(super) const STOPPING: Self = Self { code: 1001, reason: "server stopping" };
    pub(super) const FLOOD: Self = Self { code: 1008, reason: "too many pings" };
}
