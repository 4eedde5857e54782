//! The view of the runs of a program that lives long: one snapshot for all requests, one feed of events for all
//! subscribers.
//!
//! Needs two threads for any number of connections: the file watcher's and the poller's. Only reads, except that an
//! observation records the ends that it finds, as every command does.

mod capacity;
mod contents;
mod earlier_runs;
mod feed;
mod known_runs;
mod liveness;
mod poller;
mod project_print;
mod queries;
mod run_groups;
mod state_times;
mod unseen;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::lifecycle::follow::tail::{LogStreams, Offsets, Tail};
use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::lifecycle::summary::overview::{RECENT, compose};
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::os::clock::{self, Stopwatch};
use crate::os::event_fd::EventFd;
use crate::os::watch::file_watcher::{FileWatcher, Subscription};
use crate::store::index::{HistoryFilter, Index, IndexError};
use earlier_runs::EarlierRuns;
use feed::EventFeed;
use known_runs::KnownRuns;
use state_times::StateTimes;
use unseen::UnseenCache;

pub use capacity::{Capacity, UsageLimit};
pub use contents::Snapshot;
pub use feed::EventStream;
pub use known_runs::essence;
pub use queries::Figures;
pub use run_groups::{ListedRun, RunGroup, RunGroups};

/// Maximum age of a snapshot for a request.
const FRESH: Duration = Duration::from_millis(250);

/// A request for one pair waits at most this long for an observation of all runs.
const SLOW: Duration = Duration::from_millis(50);

/// Overlap of two searches for ended runs, in milliseconds: an end is entered in the index some time after it.
const MARGIN_MS: i64 = 2000;

/// If more runs changed between two observations, a `reset` event is published instead.
const MANY: u32 = 2000;

/// The server's view of the runs; dropping it ends the poller.
#[derive(Debug)]
pub struct Live {
    shared: Arc<LiveState>,
}

/// The state shared by the poller and the connections.
#[derive(Debug)]
struct LiveState {
    store: Store,
    watcher: Arc<FileWatcher>,
    location: ManifestLocation,
    feed: Arc<EventFeed>,
    /// The number of writes through this server.
    writes: AtomicU64,
    current: Mutex<Option<Arc<Snapshot>>>,
    earlier: EarlierRuns,
    unseen: UnseenCache,
    /// Locked during an observation.
    memory: Mutex<ObserverMemory>,
    /// Its reference count is the number of subscribers and followed logs, plus one.
    subscribers: Arc<()>,
    wake: WakeSources,
    /// A run changed since the last `plan` event.
    runs_changed: AtomicBool,
    /// The number of changes of manifest, templates or tasks.
    projects: AtomicU64,
    /// The number of observations, and their total duration in microseconds.
    observations: [AtomicU64; 2],
    /// The duration of the last observation in microseconds.
    last_duration: AtomicU64,
    is_shut_down: AtomicBool,
}

#[derive(Debug)]
struct WakeSources {
    /// A run changed.
    runs: EventFd,
    /// Manifest, templates or tasks may have changed.
    project: EventFd,
    /// The poller is to end, or its helper thread has an answer.
    poller: EventFd,
}

/// What one observation keeps for the next.
#[derive(Debug, Default)]
struct ObserverMemory {
    known: KnownRuns,
    states: StateTimes,
    /// Watches the index: a row may appear long after its run folder, without another event.
    index: Option<Subscription>,
    /// Watches of the folders of active runs.
    followed: HashMap<RunId, Option<Subscription>>,
    /// All ends up to this time are known, in milliseconds since 1970.
    until_ms: Option<i64>,
}

impl Live {
    /// Starts the poller for the project of `location`. Fails if the files cannot be watched.
    pub fn start(store: Store, watcher: Arc<FileWatcher>, location: ManifestLocation) -> io::Result<Arc<Self>> {
        let wake = WakeSources { runs: EventFd::new()?, project: EventFd::new()?, poller: EventFd::new()? };
        // Watch before the first observation, so that every later change wakes the poller.
        let new_runs = watcher.follow(&store.state().runs_folder(), &wake.runs)?;
        let start = u64::try_from(clock::now().as_millisecond()).unwrap_or(0);
        let shared = Arc::new(LiveState {
            store,
            watcher,
            location,
            feed: Arc::new(EventFeed::new(start)),
            writes: AtomicU64::new(0),
            current: Mutex::default(),
            earlier: EarlierRuns::default(),
            unseen: UnseenCache::default(),
            memory: Mutex::default(),
            subscribers: Arc::default(),
            wake,
            runs_changed: AtomicBool::default(),
            projects: AtomicU64::default(),
            observations: Default::default(),
            last_duration: AtomicU64::default(),
            is_shut_down: AtomicBool::default(),
        });
        poller::start(&shared, new_runs)?;
        Ok(Arc::new(Self { shared }))
    }

    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// A snapshot that is at most 250 ms old and newer than the last [`Self::touch`]. One thread observes; others that
    /// need the snapshot wait for it.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, IndexError> {
        self.shared.snapshot(FRESH)
    }

    /// Records a write through this server: later snapshots include it.
    pub fn touch(&self) {
        self.shared.writes.fetch_add(1, Ordering::AcqRel);
        self.shared.wake.runs.wake();
    }

    /// The last run of a pair as JSON; `None` if it never ran.
    pub fn status_json(&self, pair: &Pair) -> Result<Option<Arc<[u8]>>, IndexError> {
        let store = &self.shared.store;
        if let Some(snapshot) = self.shared.snapshot_for_pair()? {
            return snapshot.status_json(&self.shared, pair);
        }
        // An observation of all runs may wait for a tmux that does not answer; observe this pair alone.
        let run = refresh::last_run(store, pair);
        store.close_index();
        Ok(run?.map(|run| contents::json(&run, clock::now()).into_bytes().into()))
    }

    /// The runs that `status` lists: the active ones, then the last run of each other pair.
    pub fn runs(&self, all: bool) -> Result<Vec<Run>, IndexError> {
        let snapshot = self.snapshot()?;
        let seen = snapshot.active.iter().chain(&snapshot.ended).cloned().collect();
        if all {
            let earlier = self.shared.earlier.all(&self.shared.store, self.last_event())?;
            return Ok(compose(seen, earlier.to_vec(), u32::MAX));
        }
        let earlier = self.shared.store.last_ended(RECENT);
        self.shared.store.close_index();
        Ok(compose(seen, earlier?, RECENT))
    }

    /// Changes with manifest, templates and tasks. `None` without subscribers: then nothing watches them.
    pub fn project_version(&self) -> Option<u64> {
        self.shared.has_subscribers().then(|| self.shared.projects.load(Ordering::Acquire))
    }

    /// The number of the last event. A client that reads data after this call and subscribes from here misses nothing.
    pub fn last_event(&self) -> u64 {
        self.shared.feed.last()
    }

    /// The last run of each of these pairs.
    pub fn last_of(&self, pairs: &[Pair]) -> Result<Vec<Run>, IndexError> {
        let runs = self.last_with_open_index(pairs);
        self.shared.store.close_index();
        runs
    }

    /// As [`Self::last_of`], for several queries: the caller closes the index.
    fn last_with_open_index(&self, pairs: &[Pair]) -> Result<Vec<Run>, IndexError> {
        let snapshot = self.snapshot()?;
        let store = &self.shared.store;
        let last = |pair: &Pair| match snapshot.active_of(pair) {
            Some(run) => Ok(Some(run.clone())),
            None => refresh::last_run(store, pair),
        };
        pairs.iter().filter_map(|pair| last(pair).transpose()).collect()
    }

    /// The number of observations, and their total duration.
    fn observations(&self) -> (u64, Duration) {
        let [observations, micros] = &self.shared.observations;
        (observations.load(Ordering::Relaxed), Duration::from_micros(micros.load(Ordering::Relaxed)))
    }

    /// Subscribes to the events after number `after`; without it, to new ones.
    pub fn subscribe(&self, after: Option<u64>, waker: EventFd) -> EventStream {
        let events = self.shared.feed.subscribe(after, waker, Arc::clone(&self.shared.subscribers));
        // The last observation may be old: make the poller observe.
        self.shared.wake.runs.wake();
        events
    }

    /// Follows the logs of a job. Its end is detected even if its supervisor was killed.
    pub fn tail(&self, run: &Run, from: Offsets, streams: LogStreams, waker: &EventFd) -> io::Result<Tail> {
        let tail = Tail::open(&self.shared.store, run, from, streams, &self.shared.watcher, waker)?;
        let tail = tail.with_subscriber(Arc::clone(&self.shared.subscribers));
        self.shared.wake.runs.wake();
        Ok(tail)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shared.is_shut_down.store(true, Ordering::Release);
        self.shared.wake.poller.wake();
    }
}

impl LiveState {
    fn has_subscribers(&self) -> bool {
        Arc::strong_count(&self.subscribers) > 1
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<Snapshot>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh snapshot for a request about one pair; `None` if it would take longer than [`SLOW`].
    fn snapshot_for_pair(self: &Arc<Self>) -> Result<Option<Arc<Snapshot>>, IndexError> {
        let begun = Stopwatch::start();
        let writes = self.writes.load(Ordering::Acquire);
        let mut sent = false;
        loop {
            if let Some(snapshot) = self.usable(writes, FRESH, begun.elapsed()) {
                return Ok(Some(snapshot));
            }
            let cost = Duration::from_micros(self.last_duration.load(Ordering::Relaxed));
            if cost > SLOW || begun.elapsed() > SLOW {
                return Ok(None);
            }
            // With windows an observation waits for tmux: do it in another thread, so that this one can give up.
            if self.current().as_ref().is_some_and(|snapshot| !snapshot.has_windows()) {
                return self.snapshot(FRESH).map(Some);
            }
            if !sent && !matches!(self.memory.try_lock(), Err(TryLockError::WouldBlock)) {
                let shared = Arc::clone(self);
                let observe = move || drop(shared.snapshot(FRESH));
                sent = std::thread::Builder::new()
                    .name("observe".to_owned())
                    .stack_size(poller::STACK)
                    .spawn(observe)
                    .is_ok();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The current snapshot, if it is at most `fresh` old or began after the request.
    fn usable(&self, writes: u64, fresh: Duration, waited: Duration) -> Option<Arc<Snapshot>> {
        let current = self.current();
        let is_usable = |snapshot: &&Arc<Snapshot>| {
            let age = snapshot.begun.elapsed();
            snapshot.writes >= writes && (age < fresh || age <= waited)
        };
        current.as_ref().filter(is_usable).map(Arc::clone)
    }

    /// A snapshot that is at most `fresh` old or began after this call.
    fn snapshot(&self, fresh: Duration) -> Result<Arc<Snapshot>, IndexError> {
        let begun = Stopwatch::start();
        let writes = self.writes.load(Ordering::Acquire);
        if let Some(snapshot) = self.usable(writes, fresh, begun.elapsed()) {
            return Ok(snapshot);
        }
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have refreshed the snapshot while this one waited for the lock.
        if let Some(snapshot) = self.usable(writes, fresh, begun.elapsed()) {
            return Ok(snapshot);
        }
        let watch = Stopwatch::start();
        let snapshot = self.observe(&mut memory);
        self.store.close_index();
        let micros = u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.observations[0].fetch_add(1, Ordering::Relaxed);
        self.observations[1].fetch_add(micros, Ordering::Relaxed);
        self.last_duration.store(micros, Ordering::Relaxed);
        let (snapshot, changed) = snapshot?;
        let snapshot = Arc::new(snapshot);
        *self.current() = Some(Arc::clone(&snapshot));
        // Publish after the snapshot is set: a client that reacts immediately must not get the older one.
        match changed {
            Some(runs) => runs.iter().for_each(|run| self.publish(run, snapshot.at)),
            None => self.feed.publish("reset", ""),
        }
        Ok(snapshot)
    }

    /// Observes the runs. Also returns those that changed; `None` if too many did or a record is gone.
    fn observe(&self, memory: &mut ObserverMemory) -> Result<(Snapshot, Option<Vec<Run>>), IndexError> {
        let writes = self.writes.load(Ordering::Acquire);
        let (begun, at) = (Stopwatch::start(), clock::now());
        if memory.index.as_ref().is_none_or(|index| !index.is_alive()) {
            // A rebuilt index is a new file, which the first access creates.
            self.store.with_index(|_| Ok(()))?;
            memory.index = self.watcher.follow(&self.store.state().index(), &self.wake.runs).ok();
        }
        // Watch before the observation, so that later changes cause another one.
        self.follow(memory, &self.store.with_index(Index::active)?);
        let mut observed = refresh::all(&self.store)?;
        memory.states.note(&mut observed.runs, at);
        let capacity = Capacity::of(&self.store, &observed.runs, at)?;
        let active: Vec<RunId> =
            observed.runs.iter().filter(|run| run.is_active()).map(|run| run.id().clone()).collect();
        if self.follow(memory, &active) {
            self.wake.runs.wake();
        }
        let ids: HashSet<&RunId> = active.iter().collect();
        memory.followed.retain(|id, _| ids.contains(id));
        let since_ms = memory.until_ms.unwrap_or(i64::MAX).min(at.as_millisecond()) - MARGIN_MS;
        let filter = HistoryFilter { since_ms: Some(since_ms), limit: Some(MANY), ..HistoryFilter::default() };
        let recent = self.store.with_index(|index| index.past_page(&filter))?.runs;
        let too_many = recent.len() >= MANY as usize;
        let changes = memory.known.update(&observed.runs, recent, since_ms);
        memory.until_ms = Some(at.as_millisecond());
        let mut reset = too_many && !changes.runs.is_empty();
        let mut changed = Vec::new();
        for id in &changes.vanished {
            // It ended before the searched period, or its record is gone or unreadable: then clients must reload all.
            match refresh::one(&self.store, id) {
                Ok(Some(run)) if run.end.is_some() => changed.push(run),
                Ok(_) | Err(_) => reset = true,
            }
        }
        if reset || !changes.runs.is_empty() || !changes.vanished.is_empty() {
            self.runs_changed.store(true, Ordering::Release);
            self.wake.poller.wake();
        }
        changed.extend(changes.runs);
        let snapshot = Snapshot::new(observed.runs, capacity, at, begun, writes);
        Ok((snapshot, (!reset).then_some(changed)))
    }

    /// Watches the folders of these runs. Returns whether one of them was not watched before.
    fn follow(&self, memory: &mut ObserverMemory, ids: &[RunId]) -> bool {
        let mut any = false;
        for id in ids {
            if memory.followed.get(id).is_none_or(Option::is_none) {
                let folder = self.store.folder(id);
                let followed = self.watcher.follow(folder.path(), &self.wake.runs).ok();
                any |= followed.is_some();
                memory.followed.insert(id.clone(), followed);
            }
        }
        any
    }

    fn publish(&self, run: &Run, at: jiff::Timestamp) {
        self.feed.publish("run", &format!(r#","run":{}"#, contents::json(run, at)));
    }
}

#[cfg(test)]
pub(crate) use known_runs::tests as for_tests;
#[cfg(test)]
mod tests;
