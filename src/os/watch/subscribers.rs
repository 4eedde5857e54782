//! The subscribers of a file watcher, by what they watch.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::os::event_fd::EventFd;
use crate::os::watch::WatchId;
use crate::os::watch::stamp::FileStamp;

/// The events of one read; a watch occurs at most once in each list.
#[derive(Debug, Default)]
pub(super) struct FileEvents {
    pub(super) changed: Vec<WatchId>,
    /// The watched files were removed, and their watches with them.
    pub(super) gone: Vec<WatchId>,
    /// The kernel dropped events.
    pub(super) overflowed: bool,
}

/// How a subscription's path is watched.
#[derive(Clone, Debug)]
pub(super) enum WatchMethod {
    Kernel(WatchId),
    Polling(PathBuf),
}

#[derive(Debug, Default)]
pub(super) struct Subscribers {
    next: u64,
    by_kernel: HashMap<WatchId, Vec<Subscriber>>,
    polled: HashMap<PathBuf, (FileStamp, Vec<Subscriber>)>,
}

#[derive(Debug)]
struct Subscriber {
    id: u64,
    event: EventFd,
}

impl Subscribers {
    pub(super) fn add_watched(&mut self, watch: WatchId, event: &EventFd) -> (u64, WatchMethod) {
        let subscriber = self.subscriber(event);
        let id = subscriber.id;
        self.by_kernel.entry(watch).or_default().push(subscriber);
        (id, WatchMethod::Kernel(watch))
    }

    pub(super) fn add_polled(&mut self, path: &Path, stamp: FileStamp, event: &EventFd) -> (u64, WatchMethod) {
        let subscriber = self.subscriber(event);
        let id = subscriber.id;
        // Keep an older stamp: a change since then has not been reported to the earlier subscribers.
        self.polled.entry(path.to_owned()).or_insert_with(|| (stamp, Vec::new())).1.push(subscriber);
        (id, WatchMethod::Polling(path.to_owned()))
    }

    fn subscriber(&mut self, event: &EventFd) -> Subscriber {
        self.next += 1;
        Subscriber { id: self.next, event: event.clone() }
    }

    /// Removes a subscriber. Returns the kernel's watch if it has no subscriber left.
    pub(super) fn leave(&mut self, id: u64, method: &WatchMethod) -> Option<WatchId> {
        match method {
            WatchMethod::Kernel(watch) => {
                let subscribers = self.by_kernel.get_mut(watch)?;
                subscribers.retain(|subscriber| subscriber.id != id);
                if !subscribers.is_empty() {
                    return None;
                }
                self.by_kernel.remove(watch);
                Some(*watch)
            }
            WatchMethod::Polling(path) => {
                let (_, subscribers) = self.polled.get_mut(path)?;
                subscribers.retain(|subscriber| subscriber.id != id);
                if subscribers.is_empty() {
                    self.polled.remove(path);
                }
                None
            }
        }
    }

    pub(super) fn is_watched(&self, method: &WatchMethod) -> bool {
        match method {
            WatchMethod::Kernel(watch) => self.by_kernel.contains_key(watch),
            // Polling continues with any new file at the path.
            WatchMethod::Polling(path) => self.polled.contains_key(path),
        }
    }

    pub(super) fn polls(&self) -> bool {
        !self.polled.is_empty()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_kernel.is_empty() && self.polled.is_empty()
    }

    pub(super) fn report(&mut self, events: &FileEvents) {
        if events.overflowed {
            self.by_kernel.values().for_each(|subscribers| wake(subscribers));
        } else {
            let changed = events.changed.iter().filter_map(|watch| self.by_kernel.get(watch));
            changed.for_each(|subscribers| wake(subscribers));
        }
        for watch in &events.gone {
            if let Some(subscribers) = self.by_kernel.remove(watch) {
                wake(&subscribers);
            }
        }
    }

    /// Polls the paths that the kernel does not watch. Returns whether one of them changed.
    pub(super) fn poll_files(&mut self) -> bool {
        let mut has_changed = false;
        for (path, (stamp, subscribers)) in &mut self.polled {
            if stamp.update(path) {
                wake(subscribers);
                has_changed = true;
            }
        }
        has_changed
    }
}

fn wake(subscribers: &[Subscriber]) {
    subscribers.iter().for_each(|subscriber| subscriber.event.wake());
}
