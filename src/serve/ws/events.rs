//! `/api/events`: one message for each event of the feed.

use std::io::Write as _;

use crate::lifecycle::event_fd::EventFd;
use crate::serve::query::Query;
use crate::serve::refusal::Refusal;
use crate::serve::server::HttpServer;
use crate::serve::ws::channel::{Channel, CloseReason, Inbound, Outbound};
use crate::serve::ws::outgoing::{FrameKind, Outgoing};
use crate::snapshot::EventStream;

pub(super) struct EventChannel {
    feed: EventStream,
}

impl EventChannel {
    pub(super) fn new(server: &HttpServer, mut query: Query, waker: &EventFd) -> Result<Self, Refusal> {
        let after = query.number("after")?;
        query.end()?;
        Ok(Self { feed: server.live.subscribe(after, waker.clone()) })
    }
}

impl Channel for EventChannel {
    fn next(&mut self, payload: &mut Outgoing) -> Outbound {
        match self.feed.next().map(|frame| payload.write_all(frame.as_bytes())) {
            Some(_) => Outbound::Frame(FrameKind::Text),
            None => Outbound::Nothing,
        }
    }

    fn receive(&mut self, _message: Inbound<'_>) -> Result<(), CloseReason> {
        // Messages of the client are ignored.
        Ok(())
    }
}
