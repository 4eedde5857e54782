//! What all connections of a server share: one look at the runs for all who ask, one stream of
//! what changed, and somebody who notices what tells no one.
//!
//! Two threads however many listen: the watcher's, and the looker's. Looks only; what it writes down
//! are ends that it saw, as every look does.

mod answers;
mod feed;
mod looker;
mod project;
mod ring;
mod seen;
mod signs;
mod snapshot;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::runner::locate::Whence;
use crate::runner::observe;
use crate::runner::overview::{RECENT, compose};
use crate::runner::store::Store;
use crate::runner::tail::{LogStreams, Offsets, Tail};
use crate::system::clock::{self, Stopwatch};
use crate::system::event_fd::EventFd;
use crate::system::store::index::{HistoryFilter, Index, IndexError};
use crate::system::watch::file_watcher::{FileWatcher, Subscription};
use feed::Feed;
use seen::Seen;

pub use answers::Figures;
pub use feed::EventStream;
pub use snapshot::Snapshot;

/// A snapshot this old is as good as a look.
const FRESH: Duration = Duration::from_millis(250);

/// A look at everything that takes longer is not waited for by who asks after one pair.
const DEAR: Duration = Duration::from_millis(50);

/// An end is found again for so long after it was recorded, by a clock that counts whole seconds.
const MARGIN_MS: i64 = 2000;

/// More changes at once are not told one by one.
const MANY: u32 = 2000;

/// See the module.
#[derive(Debug)]
pub struct Live {
    shared: Arc<Shared>,
}

/// What the looker's thread and the connections have in common.
#[derive(Debug)]
struct Shared {
    store: Store,
    watcher: Arc<FileWatcher>,
    whence: Whence,
    feed: Arc<Feed>,
    /// Writes that went through this program.
    touched: AtomicU64,
    current: Mutex<Option<Arc<Snapshot>>>,
    /// Held by the one who looks.
    memory: Mutex<Memory>,
    /// One more for each who listens or follows a log.
    guests: Arc<()>,
    bells: Bells,
    /// Since somebody took note of it: a plan may be another now.
    runs_changed: AtomicBool,
    /// How often manifest, templates or tasks were found to be others.
    projects: AtomicU64,
    /// Looks so far, and the microseconds they took.
    looks: [AtomicU64; 2],
    /// The microseconds of the last.
    last_look: AtomicU64,
    over: AtomicBool,
}

/// What wakes the looker.
#[derive(Debug)]
struct Bells {
    /// Something of the runs changed.
    runs: EventFd,
    /// Something of the manifest, templates or tasks may have changed.
    project: EventFd,
    /// Anything else.
    other: EventFd,
}

/// What one look hands on to the next.
#[derive(Debug, Default)]
struct Memory {
    seen: Seen,
    /// The index: a row may come long after its run's folder, and without any other sign.
    index: Option<Subscription>,
    /// The folders of unfinished runs.
    followed: HashMap<RunId, Option<Subscription>>,
    /// Up to here, in milliseconds since 1970, all ends are known.
    until_ms: Option<i64>,
}

impl Live {
    /// Begins to look, for the manifest that `whence` leads to.
    pub fn start(store: Store, watcher: Arc<FileWatcher>, whence: Whence) -> io::Result<Arc<Self>> {
        let bells = Bells { runs: EventFd::new()?, project: EventFd::new()?, other: EventFd::new()? };
        // Before the first look: what comes after it wakes.
        let new_runs = watcher.follow(&store.state().runs(), &bells.runs)?;
        let start = u64::try_from(clock::now().as_millisecond()).unwrap_or(0);
        let shared = Arc::new(Shared {
            store,
            watcher,
            whence,
            feed: Arc::new(Feed::new(start)),
            touched: AtomicU64::new(0),
            current: Mutex::default(),
            memory: Mutex::default(),
            guests: Arc::default(),
            bells,
            runs_changed: AtomicBool::default(),
            projects: AtomicU64::default(),
            looks: Default::default(),
            last_look: AtomicU64::default(),
            over: AtomicBool::default(),
        });
        looker::start(&shared, new_runs)?;
        Ok(Arc::new(Self { shared }))
    }

    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The runs as they are: at most a quarter of a second ago, and after the last
    /// [`Self::touch`]. One looks at a time, and who asks meanwhile waits for that look.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, IndexError> {
        self.shared.snapshot(FRESH)
    }

    /// Something was written through this program: what is shown from now on is newer.
    pub fn touch(&self) {
        self.shared.touched.fetch_add(1, Ordering::AcqRel);
        self.shared.bells.runs.wake();
    }

    /// The last run of a pair as JSON; `None` where it never ran.
    pub fn status_json(&self, pair: &Pair) -> Result<Option<Arc<[u8]>>, IndexError> {
        let store = &self.shared.store;
        if let Some(snapshot) = self.shared.for_one()? {
            return snapshot.status_json(&self.shared, pair);
        }
        // Everything may wait for a tmux that does not answer; this pair need not.
        let run = observe::last_run(store, pair);
        store.rest();
        Ok(run?.map(|run| snapshot::json(&run, clock::now()).into_bytes().into()))
    }

    /// What `status` lists: the active runs, and after them the last run of each other pair.
    pub fn runs(&self, all: bool) -> Result<Vec<Run>, IndexError> {
        let limit = if all { u32::MAX } else { RECENT };
        let snapshot = self.snapshot()?;
        let earlier = self.shared.store.last_ended(limit);
        self.shared.store.rest();
        Ok(compose(snapshot.active.iter().chain(&snapshot.ended).cloned().collect(), earlier?, limit))
    }

    /// The same for as long as manifest, templates and tasks are; `None` where nobody watches them.
    pub fn project_version(&self) -> Option<u64> {
        self.shared.has_guests().then(|| self.shared.projects.load(Ordering::Acquire))
    }

    /// The number of the last event: who reads now and listens from there misses nothing.
    pub fn last_event(&self) -> u64 {
        self.shared.feed.last()
    }

    /// The last run of each of these pairs.
    pub fn last_of(&self, pairs: &[Pair]) -> Result<Vec<Run>, IndexError> {
        let snapshot = self.snapshot()?;
        let store = &self.shared.store;
        let last = |pair: &Pair| match snapshot.active_of(pair) {
            Some(run) => Ok(Some(run.clone())),
            None => observe::last_run(store, pair),
        };
        let runs: Result<Vec<_>, _> = pairs.iter().filter_map(|pair| last(pair).transpose()).collect();
        store.rest();
        runs
    }

    /// Looks so far, and how long they took together.
    fn looks(&self) -> (u64, Duration) {
        let [looks, micros] = &self.shared.looks;
        (looks.load(Ordering::Relaxed), Duration::from_micros(micros.load(Ordering::Relaxed)))
    }

    /// Listens to what changes: all after the event `after` that is still known, else what comes.
    pub fn subscribe(&self, after: Option<u64>, waker: EventFd) -> EventStream {
        let events = self.shared.feed.subscribe(after, waker, Arc::clone(&self.shared.guests));
        // Nobody may have looked for long.
        self.shared.bells.runs.wake();
        events
    }

    /// Follows the logs of a job; its end is told even where nobody writes one.
    pub fn tail(&self, run: &Run, from: Offsets, streams: LogStreams, waker: &EventFd) -> io::Result<Tail> {
        let tail = Tail::open(&self.shared.store, run, from, streams, &self.shared.watcher, waker)?;
        let tail = tail.with_guest(Arc::clone(&self.shared.guests));
        self.shared.bells.runs.wake();
        Ok(tail)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Release);
        self.shared.bells.other.wake();
    }
}

impl Shared {
    /// Whether anybody listens or follows.
    fn has_guests(&self) -> bool {
        Arc::strong_count(&self.guests) > 1
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<Snapshot>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fresh snapshot for who asks after one pair, unless that would take long.
    fn for_one(self: &Arc<Self>) -> Result<Option<Arc<Snapshot>>, IndexError> {
        let asked = Stopwatch::start();
        let touched = self.touched.load(Ordering::Acquire);
        let mut sent = false;
        loop {
            if let Some(snapshot) = self.good(touched, FRESH, asked.elapsed()) {
                return Ok(Some(snapshot));
            }
            let cost = Duration::from_micros(self.last_look.load(Ordering::Relaxed));
            if cost > DEAR || asked.elapsed() > DEAR {
                return Ok(None);
            }
            // Where windows run, tmux is asked: another waits for it.
            if self.current().as_ref().is_some_and(|snapshot| !snapshot.has_windows()) {
                return self.snapshot(FRESH).map(Some);
            }
            if !sent && !matches!(self.memory.try_lock(), Err(TryLockError::WouldBlock)) {
                let shared = Arc::clone(self);
                let look = move || drop(shared.snapshot(FRESH));
                sent =
                    std::thread::Builder::new().name("look".to_owned()).stack_size(looker::STACK).spawn(look).is_ok();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The snapshot that stands, if it is that fresh, or began after who asks did.
    fn good(&self, touched: u64, fresh: Duration, asked: Duration) -> Option<Arc<Snapshot>> {
        let current = self.current();
        let good = |snapshot: &&Arc<Snapshot>| {
            let age = snapshot.begun.elapsed();
            snapshot.touched >= touched && (age < fresh || age <= asked)
        };
        current.as_ref().filter(good).map(Arc::clone)
    }

    /// A look at most `fresh` old, or one that began after this call.
    fn snapshot(&self, fresh: Duration) -> Result<Arc<Snapshot>, IndexError> {
        let asked = Stopwatch::start();
        let touched = self.touched.load(Ordering::Acquire);
        if let Some(snapshot) = self.good(touched, fresh, asked.elapsed()) {
            return Ok(snapshot);
        }
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        // Who looked meanwhile may have looked for us too.
        if let Some(snapshot) = self.good(touched, fresh, asked.elapsed()) {
            return Ok(snapshot);
        }
        let watch = Stopwatch::start();
        let snapshot = self.look(&mut memory);
        self.store.rest();
        let micros = u64::try_from(watch.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.looks[0].fetch_add(1, Ordering::Relaxed);
        self.looks[1].fetch_add(micros, Ordering::Relaxed);
        self.last_look.store(micros, Ordering::Relaxed);
        let (snapshot, news) = snapshot?;
        let snapshot = Arc::new(snapshot);
        *self.current() = Some(Arc::clone(&snapshot));
        // Only now: who hears of a change and asks at once is not to be shown what was before it.
        match news {
            Some(runs) => runs.iter().for_each(|run| self.tell(run, snapshot.at)),
            None => self.feed.publish("reset", ""),
        }
        Ok(snapshot)
    }

    /// The runs as they are, and those that changed; `None`: more than can be told.
    fn look(&self, memory: &mut Memory) -> Result<(Snapshot, Option<Vec<Run>>), IndexError> {
        let touched = self.touched.load(Ordering::Acquire);
        let (begun, at) = (Stopwatch::start(), clock::now());
        if memory.index.as_ref().is_none_or(|index| !index.is_alive()) {
            // One that was rebuilt is another file, and the first to ask makes it.
            self.store.with_index(|_| Ok(()))?;
            memory.index = self.watcher.follow(&self.store.state().index(), &self.bells.runs).ok();
        }
        // Their folders first: what happens in one after the look wakes for another.
        self.follow(memory, &self.store.with_index(Index::active)?);
        let observed = observe::observe(&self.store)?;
        let active: Vec<RunId> =
            observed.runs.iter().filter(|run| run.is_active()).map(|run| run.id().clone()).collect();
        if self.follow(memory, &active) {
            self.bells.runs.wake();
        }
        let ids: HashSet<&RunId> = active.iter().collect();
        memory.followed.retain(|id, _| ids.contains(id));
        let since_ms = memory.until_ms.unwrap_or(i64::MAX).min(at.as_millisecond()) - MARGIN_MS;
        let filter = HistoryFilter { since_ms: Some(since_ms), limit: Some(MANY), ..HistoryFilter::default() };
        let recent = self.store.with_index(|index| index.history(&filter))?;
        let too_many = recent.len() >= MANY as usize;
        let changes = memory.seen.look(&observed.runs, recent, since_ms);
        memory.until_ms = Some(at.as_millisecond());
        let mut anew = too_many && !changes.runs.is_empty();
        let mut news = Vec::new();
        for id in &changes.vanished {
            // Ended longer ago than it should have; or its record is gone, which has no event.
            // What cannot be read now is not told another time either: it is known as seen.
            match observe::run(&self.store, id) {
                Ok(Some(run)) if run.end.is_some() => news.push(run),
                Ok(_) | Err(_) => anew = true,
            }
        }
        if anew || !changes.runs.is_empty() || !changes.vanished.is_empty() {
            self.runs_changed.store(true, Ordering::Release);
            self.bells.other.wake();
        }
        news.extend(changes.runs);
        Ok((Snapshot::new(observed.runs, observed.notices, at, begun, touched), (!anew).then_some(news)))
    }

    /// Follows the folders of these runs. Returns whether one of them is new.
    fn follow(&self, memory: &mut Memory, ids: &[RunId]) -> bool {
        let mut any = false;
        for id in ids {
            if memory.followed.get(id).is_none_or(Option::is_none) {
                let folder = self.store.folder(id);
                let followed = self.watcher.follow(folder.path(), &self.bells.runs).ok();
                any |= followed.is_some();
                memory.followed.insert(id.clone(), followed);
            }
        }
        any
    }

    fn tell(&self, run: &Run, at: jiff::Timestamp) {
        self.feed.publish("run", &format!(r#","run":{}"#, snapshot::json(run, at)));
    }
}

#[cfg(test)]
pub(in crate::runner) use seen::tests as for_tests;
#[cfg(test)]
mod tests;
