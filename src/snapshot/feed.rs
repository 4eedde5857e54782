//! The numbered events of a server, for any number of subscribers. Publishing never waits for a subscriber.
//!
//! The last events are kept, so each subscriber reads at its own pace and resumes after a reconnect. A subscriber that
//! missed more gets a `reset` event.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::os::event_fd::EventFd;

const KEPT: usize = 4096;

#[derive(Debug)]
pub(super) struct EventFeed {
    state: Mutex<FeedState>,
}

#[derive(Debug)]
struct FeedState {
    frames: VecDeque<Arc<str>>,
    /// The number of the last frame.
    last: u64,
    next_id: u64,
    listeners: Vec<(u64, EventFd)>,
}

#[derive(Debug, PartialEq, Eq)]
enum NextFrame {
    Frame(Arc<str>),
    None,
    /// The number is no longer kept, or was never assigned.
    Unknown,
}

/// A subscriber until dropped. Iterates over the frames that have arrived.
#[derive(Debug)]
pub struct EventStream {
    feed: Arc<EventFeed>,
    id: u64,
    /// The number of the last returned frame.
    at: u64,
    hello: Option<Arc<str>>,
    /// Held only to be counted.
    _subscriber: Arc<()>,
}

impl EventFeed {
    /// The first frame gets the number `start + 1`. Each server uses another `start`, so that numbers of an earlier
    /// server are not mistaken for its own.
    pub(super) fn new(start: u64) -> Self {
        Self { state: Mutex::new(FeedState::new(start)) }
    }

    fn state(&self) -> MutexGuard<'_, FeedState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn last(&self) -> u64 {
        self.state().last
    }

    /// Publishes an event. `rest` is the JSON after its name: `,"run":{…}` or empty.
    pub(super) fn publish(&self, event: &str, rest: &str) {
        let mut state = self.state();
        state.push(event, rest);
        state.listeners.iter().for_each(|(_, waker)| waker.wake());
    }

    /// Subscribes to the events after number `after`; without it, to new ones.
    pub(super) fn subscribe(self: &Arc<Self>, after: Option<u64>, waker: EventFd, subscriber: Arc<()>) -> EventStream {
        let mut state = self.state();
        state.next_id += 1;
        let id = state.next_id;
        waker.wake();
        state.listeners.push((id, waker));
        let at = after.unwrap_or(state.last);
        // A client stores the number of each frame: if `at` is unknown, it must not store a number ahead of the reset.
        let known = if state.after(at) == NextFrame::Unknown { state.last } else { at };
        let hello = Some(frame(known, "hello", "").into());
        EventStream { feed: Arc::clone(self), id, at, hello, _subscriber: subscriber }
    }
}

impl FeedState {
    fn new(start: u64) -> Self {
        Self { frames: VecDeque::new(), last: start, next_id: 0, listeners: Vec::new() }
    }

    fn push(&mut self, event: &str, rest: &str) {
        self.last += 1;
        if self.frames.len() == KEPT {
            self.frames.pop_front();
        }
        self.frames.push_back(frame(self.last, event, rest).into());
    }

    fn after(&self, number: u64) -> NextFrame {
        let Some(behind) = self.last.checked_sub(number) else { return NextFrame::Unknown };
        if behind == 0 {
            return NextFrame::None;
        }
        let at = usize::try_from(behind).ok().and_then(|behind| self.frames.len().checked_sub(behind));
        at.and_then(|at| self.frames.get(at)).cloned().map_or(NextFrame::Unknown, NextFrame::Frame)
    }
}

/// Returns the next frame; `None` until the waker fires again.
impl Iterator for EventStream {
    type Item = Arc<str>;

    fn next(&mut self) -> Option<Arc<str>> {
        if let Some(hello) = self.hello.take() {
            return Some(hello);
        }
        let state = self.feed.state();
        match state.after(self.at) {
            NextFrame::None => None,
            NextFrame::Frame(frame) => {
                self.at += 1;
                Some(frame)
            }
            NextFrame::Unknown => {
                self.at = state.last;
                Some(frame(self.at, "reset", "").into())
            }
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.feed.state().listeners.retain(|(id, _)| *id != self.id);
    }
}

fn frame(number: u64, event: &str, rest: &str) -> String {
    format!(r#"{{"seq":{number},"event":"{event}"{rest}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(feed: &Arc<EventFeed>, after: Option<u64>) -> EventStream {
        feed.subscribe(after, EventFd::new().unwrap(), Arc::default())
    }

    fn all(events: &mut EventStream) -> Vec<String> {
        std::iter::from_fn(|| events.next().map(|frame| frame.to_string())).collect()
    }

    #[test]
    fn a_subscriber_gets_new_events_and_a_returning_one_those_it_missed() {
        let feed = Arc::new(EventFeed::new(10));
        let mut first = listen(&feed, None);
        assert_eq!(all(&mut first), [r#"{"seq":10,"event":"hello"}"#]);
        feed.publish("plan", "");
        feed.publish("run", r#","run":{"a":1}"#);
        let published = [r#"{"seq":11,"event":"plan"}"#, r#"{"seq":12,"event":"run","run":{"a":1}}"#];
        assert_eq!(all(&mut first), published);
        let again = all(&mut listen(&feed, Some(10)));
        assert_eq!(again[0], r#"{"seq":10,"event":"hello"}"#);
        assert_eq!(again[1..], published);
        assert_eq!(all(&mut listen(&feed, Some(12))), [r#"{"seq":12,"event":"hello"}"#]);
    }

    #[test]
    fn a_subscriber_that_missed_too_much_gets_a_reset() {
        let feed = Arc::new(EventFeed::new(10));
        feed.publish("plan", "");
        for strange in [9, 12] {
            let mut events = listen(&feed, Some(strange));
            assert_eq!(all(&mut events), [r#"{"seq":11,"event":"hello"}"#, r#"{"seq":11,"event":"reset"}"#]);
            *feed.state() = FeedState::new(11);
        }
        let mut slow = listen(&feed, None);
        (0..5000).for_each(|_| feed.publish("plan", ""));
        assert_eq!(all(&mut slow).last().unwrap(), r#"{"seq":5011,"event":"reset"}"#);
        feed.publish("plan", "");
        assert_eq!(all(&mut slow), [r#"{"seq":5012,"event":"plan"}"#]);
    }

    #[test]
    fn a_dropped_subscriber_is_removed() {
        let feed = Arc::new(EventFeed::new(0));
        drop(listen(&feed, None));
        assert!(feed.state().listeners.is_empty());
    }

    fn filled(frames: u64) -> FeedState {
        let mut state = FeedState::new(1000);
        (0..frames).for_each(|_| state.push("plan", ""));
        state
    }

    fn frame_of(number: u64) -> NextFrame {
        NextFrame::Frame(frame(number, "plan", "").into())
    }

    #[test]
    fn a_number_gives_the_frame_after_it() {
        let state = filled(3);
        assert_eq!(state.last, 1003);
        assert_eq!(state.after(1000), frame_of(1001));
        assert_eq!(state.after(1002), frame_of(1003));
        assert_eq!(state.after(1003), NextFrame::None);
    }

    #[test]
    fn a_number_out_of_range_is_unknown() {
        for number in [0, 999, 1004, u64::MAX] {
            assert_eq!(filled(3).after(number), NextFrame::Unknown, "{number}");
        }
        let full = filled(KEPT as u64 + 2);
        assert_eq!(full.after(1001), NextFrame::Unknown);
        assert_eq!(full.after(1002), frame_of(1003));
        assert_eq!(full.frames.len(), KEPT);
    }
}
