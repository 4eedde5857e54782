//! Who follows what.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::system::wake::Waker;
use crate::system::watch::hub::Watch;
use crate::system::watch::stamp::Stamp;

/// What came from the kernel at once, each watch at most once.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub(super) changed: Vec<Watch>,
    /// What was watched is no more.
    pub(super) gone: Vec<Watch>,
    /// More happened than the kernel keeps.
    pub(super) lost_some: bool,
}

/// How a subscription's path is followed.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Watched(Watch),
    LookedAt(PathBuf),
}

#[derive(Debug, Default)]
pub(super) struct Table {
    next: u64,
    watched: HashMap<Watch, Vec<Follower>>,
    looked_at: HashMap<PathBuf, (Stamp, Vec<Follower>)>,
}

#[derive(Debug)]
struct Follower {
    id: u64,
    waker: Waker,
}

impl Table {
    pub(super) fn follow(&mut self, watch: Watch, waker: &Waker) -> (u64, Place) {
        let follower = self.follower(waker);
        let id = follower.id;
        self.watched.entry(watch).or_default().push(follower);
        (id, Place::Watched(watch))
    }

    pub(super) fn look_at(&mut self, path: &Path, stamp: Stamp, waker: &Waker) -> (u64, Place) {
        let follower = self.follower(waker);
        let id = follower.id;
        // An older stamp of others stands: what they have not been told is told to all.
        self.looked_at.entry(path.to_owned()).or_insert_with(|| (stamp, Vec::new())).1.push(follower);
        (id, Place::LookedAt(path.to_owned()))
    }

    fn follower(&mut self, waker: &Waker) -> Follower {
        self.next += 1;
        Follower { id: self.next, waker: waker.clone() }
    }

    /// Forgets a follower. Returns the watch that nobody needs any more.
    pub(super) fn leave(&mut self, id: u64, place: &Place) -> Option<Watch> {
        match place {
            Place::Watched(watch) => {
                let followers = self.watched.get_mut(watch)?;
                followers.retain(|follower| follower.id != id);
                let unused = followers.is_empty();
                if unused {
                    self.watched.remove(watch);
                }
                unused.then_some(*watch)
            }
            Place::LookedAt(path) => {
                let (_, followers) = self.looked_at.get_mut(path)?;
                followers.retain(|follower| follower.id != id);
                if followers.is_empty() {
                    self.looked_at.remove(path);
                }
                None
            }
        }
    }

    pub(super) fn knows(&self, place: &Place) -> bool {
        match place {
            Place::Watched(watch) => self.watched.contains_key(watch),
            // What is at the path is looked at, whatever it is by now.
            Place::LookedAt(path) => self.looked_at.contains_key(path),
        }
    }

    pub(super) fn has_looks(&self) -> bool {
        !self.looked_at.is_empty()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.watched.is_empty() && self.looked_at.is_empty()
    }

    pub(super) fn tell(&mut self, happened: &Happened) {
        if happened.lost_some {
            self.watched.values().for_each(|followers| wake(followers));
        } else {
            happened.changed.iter().filter_map(|watch| self.watched.get(watch)).for_each(|followers| wake(followers));
        }
        for watch in &happened.gone {
            if let Some(followers) = self.watched.remove(watch) {
                wake(&followers);
            }
        }
    }

    /// Looks at what the kernel does not watch.
    pub(super) fn look(&mut self) {
        for (path, (stamp, followers)) in &mut self.looked_at {
            if stamp.changes(path) {
                wake(followers);
            }
        }
    }
}

fn wake(followers: &[Follower]) {
    followers.iter().for_each(|follower| follower.waker.wake());
}
