//! EventStream to whoever listens. Nobody is waited for: each reads the ring at its own pace, and who
//! falls too far behind is told to begin anew.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::runner::live::ring::{After, Ring};
use crate::system::event_fd::EventFd;

#[derive(Debug)]
pub(super) struct Feed {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    ring: Ring,
    next: u64,
    listeners: Vec<(u64, EventFd)>,
}

/// One who listens. Dropped: no more.
#[derive(Debug)]
pub struct EventStream {
    feed: Arc<Feed>,
    id: u64,
    /// The number of the last frame that was handed out.
    at: u64,
    hello: Option<Arc<str>>,
    /// Counts who watches.
    _guest: Arc<()>,
}

impl Feed {
    pub(super) fn new(start: u64) -> Self {
        Self { inner: Mutex::new(Inner { ring: Ring::new(start), next: 0, listeners: Vec::new() }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last(&self) -> u64 {
        self.inner().ring.last()
    }

    /// Tells all. `rest` is what follows the event's name: `,"run":{…}` or nothing.
    pub(super) fn publish(&self, event: &str, rest: &str) {
        let mut inner = self.inner();
        inner.ring.push(|number| frame(number, event, rest));
        inner.listeners.iter().for_each(|(_, waker)| waker.wake());
    }

    /// Listens to what comes after `after`; else to what comes from now on.
    pub(super) fn subscribe(self: &Arc<Self>, after: Option<u64>, waker: EventFd, guest: Arc<()>) -> EventStream {
        let mut inner = self.inner();
        inner.next += 1;
        let id = inner.next;
        waker.wake();
        inner.listeners.push((id, waker));
        let last = inner.ring.last();
        let at = after.unwrap_or(last);
        // Whoever notes the number of each frame must not skip what is about to be told again.
        let known = if inner.ring.after(at) == After::Unknown { last } else { at };
        EventStream { feed: Arc::clone(self), id, at, hello: Some(frame(known, "hello", "").into()), _guest: guest }
    }
}

/// The frames, ready to be sent; `None` until the waker says that there is another.
impl Iterator for EventStream {
    type Item = Arc<str>;

    fn next(&mut self) -> Option<Arc<str>> {
        if let Some(hello) = self.hello.take() {
            return Some(hello);
        }
        let inner = self.feed.inner();
        match inner.ring.after(self.at) {
            After::Nothing => None,
            After::Frame(frame) => {
                self.at += 1;
                Some(frame)
            }
            After::Unknown => {
                self.at = inner.ring.last();
                Some(frame(self.at, "reset", "").into())
            }
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.feed.inner().listeners.retain(|(id, _)| *id != self.id);
    }
}

fn frame(number: u64, event: &str, rest: &str) -> String {
    format!(r#"{{"seq":{number},"event":"{event}"{rest}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(feed: &Arc<Feed>, after: Option<u64>) -> EventStream {
        feed.subscribe(after, EventFd::new().unwrap(), Arc::default())
    }

    fn all(events: &mut EventStream) -> Vec<String> {
        std::iter::from_fn(|| events.next().map(|frame| frame.to_string())).collect()
    }

    #[test]
    fn a_listener_hears_what_comes_and_one_that_returns_what_it_missed() {
        let feed = Arc::new(Feed::new(10));
        let mut first = listen(&feed, None);
        assert_eq!(all(&mut first), [r#"{"seq":10,"event":"hello"}"#]);
        feed.publish("plan", "");
        feed.publish("run", r#","run":{"a":1}"#);
        let told = [r#"{"seq":11,"event":"plan"}"#, r#"{"seq":12,"event":"run","run":{"a":1}}"#];
        assert_eq!(all(&mut first), told);
        let again = all(&mut listen(&feed, Some(10)));
        assert_eq!(again[0], r#"{"seq":10,"event":"hello"}"#);
        assert_eq!(again[1..], told);
        assert_eq!(all(&mut listen(&feed, Some(12))), [r#"{"seq":12,"event":"hello"}"#]);
    }

    #[test]
    fn whoever_cannot_be_told_what_it_missed_begins_anew() {
        let feed = Arc::new(Feed::new(10));
        feed.publish("plan", "");
        for strange in [9, 12] {
            let mut events = listen(&feed, Some(strange));
            assert_eq!(all(&mut events), [r#"{"seq":11,"event":"hello"}"#, r#"{"seq":11,"event":"reset"}"#]);
            feed.inner().ring = Ring::new(11);
        }
        let mut slow = listen(&feed, None);
        (0..5000).for_each(|_| feed.publish("plan", ""));
        assert_eq!(all(&mut slow).last().unwrap(), r#"{"seq":5011,"event":"reset"}"#);
        feed.publish("plan", "");
        assert_eq!(all(&mut slow), [r#"{"seq":5012,"event":"plan"}"#]);
    }

    #[test]
    fn who_left_is_forgotten() {
        let feed = Arc::new(Feed::new(0));
        drop(listen(&feed, None));
        assert!(feed.inner().listeners.is_empty());
    }
}
