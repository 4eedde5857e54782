//! `/api/events`: what changes, frame by frame.

use std::io::Write as _;

use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::server::Shared;
use crate::http::ws::outgoing::{Kind, Outgoing};
use crate::http::ws::talk::{Farewell, Heard, Take, Talk};
use crate::runner::live;
use crate::runner::wake::Waker;

/// A client of the feed.
pub(super) struct Events {
    feed: live::Events,
}

impl Events {
    pub(super) fn new(server: &Shared, mut query: Query, waker: &Waker) -> Result<Self, Refusal> {
        let after = query.number("after")?;
        query.end()?;
        Ok(Self { feed: server.live.subscribe(after, waker.clone()) })
    }
}

impl Talk for Events {
    fn take(&mut self, payload: &mut Outgoing) -> Take {
        match self.feed.next().map(|frame| payload.write_all(frame.as_bytes())) {
            Some(_) => Take::Frame(Kind::Text),
            None => Take::Nothing,
        }
    }

    fn hear(&mut self, _heard: Heard<'_>) -> Result<(), Farewell> {
        // Nothing is asked of clients here.
        Ok(())
    }
}
