//! The thread that looks when something happened. Where nobody listens it only takes note; where
//! nothing runs it sleeps.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::runner::live::project::{self, Found};
use crate::runner::live::signs::Signs;
use crate::runner::live::{Shared, Snapshot};
use crate::system::clock::Stopwatch;
use crate::system::event_fd::EventFd;
use crate::system::watch::file_watcher::Subscription;
use crate::system::watch::wait_readable;

/// SQLite and the reading of records need some of it; nothing here is deep.
pub(super) const STACK: usize = 256 * 1024;

/// What comes together is one.
const SETTLE: Duration = Duration::from_millis(10);
/// How often signs are looked for while something runs.
const SIGNS: Duration = Duration::from_millis(200);
/// What gives no sign is looked at this often: windows whose hook was lost, queues that nobody moves.
const SIGNLESS: Duration = Duration::from_secs(1);
/// After a look that took long the next waits so many times longer.
const REST: u32 = 6;
/// The same for signs that nothing asked for.
const IDLE_REST: u32 = 100;
const LONGEST_REST: Duration = Duration::from_secs(2);

/// Files are written one after the other; what they mean is read when they rest.
const FILES_SETTLE: Duration = Duration::from_millis(200);
/// Tasks are read, and plans called changed, at most this often.
const PROJECT_REST: Duration = Duration::from_secs(1);
/// After a scan that took long the next waits so many times longer.
const SCAN_REST: u32 = 10;
/// A project with more folders is watched as far as this.
const FOLDERS: usize = 4096;

/// Starts the thread. `new_runs` is what wakes it for new ones.
pub(super) fn start(shared: &Arc<Shared>, new_runs: Subscription) -> io::Result<()> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new().name("looker".to_owned()).stack_size(STACK).spawn(move || {
        let _kept = new_runs;
        let mut looker = Looker::new(&shared);
        while !shared.over.load(Ordering::Acquire) {
            looker.turn();
        }
    })?;
    Ok(())
}

struct Looker<'a> {
    shared: &'a Shared,
    signs: Signs,
    /// Since when something is known to have happened.
    changed: Option<Stopwatch>,
    /// When something was last known to have happened: only a look that began later has seen it.
    rang: Stopwatch,
    looked: Past,
    sought: Past,
    project: ProjectLook,
}

/// When something was done last, and how long it is to rest.
struct Past {
    at: Stopwatch,
    rest: Duration,
}

/// What is known of manifest and tasks.
struct ProjectLook {
    changed: Option<Stopwatch>,
    scanned: Past,
    scanning: bool,
    /// The scan's answer.
    answer: Arc<Mutex<Option<Found>>>,
    known: Option<Found>,
    followed: BTreeMap<PathBuf, Subscription>,
    /// A plan may be another since.
    plan_changed: bool,
    told_plan: Past,
}

impl Past {
    fn never() -> Self {
        Self { at: Stopwatch::start(), rest: Duration::ZERO }
    }

    fn now(rest: Duration) -> Self {
        Self { at: Stopwatch::start(), rest }
    }

    fn left(&self) -> Duration {
        self.rest.saturating_sub(self.at.elapsed())
    }
}

impl<'a> Looker<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            signs: Signs::default(),
            // The first look is what later ones are compared with.
            changed: Some(Stopwatch::start()),
            rang: Stopwatch::start(),
            looked: Past::never(),
            sought: Past::never(),
            project: ProjectLook {
                changed: Some(Stopwatch::start()),
                scanned: Past::never(),
                scanning: false,
                answer: Arc::default(),
                known: None,
                followed: BTreeMap::new(),
                plan_changed: false,
                told_plan: Past::never(),
            },
        }
    }

    fn turn(&mut self) {
        let shared = self.shared;
        let current = shared.current().clone();
        let first = current.is_none();
        let awake = shared.has_guests();
        let timeout = match (first, awake) {
            (true, _) => Some(self.left_to_look()),
            (false, true) => self.timeout(current.as_deref()),
            (false, false) => None,
        };
        let bells = &shared.bells;
        let fds = [bells.runs.as_fd(), bells.project.as_fd(), bells.other.as_fd()];
        let Ok(ready) = wait_readable(&fds, timeout) else {
            std::thread::sleep(SIGNS);
            return;
        };
        let rung = |place: usize, bell: &EventFd| {
            let rung = ready.get(place) == Some(&true);
            if rung {
                bell.clear();
            }
            rung
        };
        if rung(0, &bells.runs) {
            self.rang = Stopwatch::start();
            self.changed.get_or_insert(self.rang);
        }
        if rung(1, &bells.project) {
            self.project.changed.get_or_insert_with(Stopwatch::start);
        }
        rung(2, &bells.other);
        if first || shared.has_guests() {
            self.runs(current.as_deref());
            self.files();
        }
    }

    /// How long until there is something to do.
    fn timeout(&self, current: Option<&Snapshot>) -> Option<Duration> {
        let active = current.map_or(&[][..], |snapshot| &snapshot.active);
        // What is about to be looked at needs no sign.
        let look = self.changed.map(|_| self.left_to_look());
        let quiet = look.is_none();
        let signs = (quiet && !active.is_empty()).then(|| self.sought.left());
        let signless = (quiet && self.signs.are_missing(active)).then(|| self.left_to_signless());
        let project = &self.project;
        let scan = project.changed.filter(|_| !project.scanning).map(|_| project.left_to_scan());
        let plan = project.plan_changed.then(|| project.told_plan.left());
        [signs, signless, look, scan, plan].into_iter().flatten().min()
    }

    fn left_to_look(&self) -> Duration {
        let settles = self.changed.map_or(Duration::ZERO, |at| SETTLE.saturating_sub(at.elapsed()));
        settles.max(self.looked.left())
    }

    fn left_to_signless(&self) -> Duration {
        // It rests by the cost of the last look, but not for long: a bell has no other sign.
        let rest = SIGNLESS.max(self.looked.rest);
        rest.saturating_sub(self.looked.at.elapsed())
    }

    fn runs(&mut self, current: Option<&Snapshot>) {
        if self.changed.is_some() {
            if self.left_to_look().is_zero() {
                self.look();
            }
            return;
        }
        let Some(current) = current.filter(|current| !current.active.is_empty()) else { return };
        if self.signs.are_missing(&current.active) && self.left_to_signless().is_zero() {
            self.look();
            return;
        }
        if self.sought.left().is_zero() {
            let begun = Stopwatch::start();
            let signs = self.signs.of(&self.shared.store, &current.active);
            self.sought = Past::now(SIGNS.max(begun.elapsed() * IDLE_REST));
            if !signs.is_empty() {
                self.look();
                self.signs.explained(signs);
            }
        }
    }

    fn look(&mut self) {
        // What happened before the last look began was seen by it.
        let fresh = self.changed.take().map_or(Duration::ZERO, |_| self.rang.elapsed());
        let begun = Stopwatch::start();
        if let Err(error) = self.shared.snapshot(fresh) {
            tracing::warn!(%error, "the runs cannot be looked at");
            self.rang = Stopwatch::start();
            self.changed = Some(self.rang);
            self.looked = Past::now(LONGEST_REST);
            return;
        }
        self.looked = Past::now((begun.elapsed() * REST).min(LONGEST_REST));
    }

    /// Manifest, templates and tasks.
    fn files(&mut self) {
        let (shared, project) = (self.shared, &mut self.project);
        let answer = project.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(found) = answer {
            project.scanning = false;
            project.scanned.rest = PROJECT_REST.max(project.scanned.at.elapsed() * SCAN_REST);
            // The first scan is news too: who listens may have read the tasks before it.
            let known = project.known.as_ref();
            let of_tasks = known.is_none_or(|known| known.tasks != found.tasks);
            let of_plan = known.is_none_or(|known| known.plan != found.plan);
            if of_tasks || of_plan {
                shared.projects.fetch_add(1, Ordering::AcqRel);
            }
            if of_tasks {
                shared.feed.publish("tasks", "");
            }
            project.plan_changed |= of_plan;
            if project.follow(shared, &found) {
                // Something may have come there before it was followed.
                project.changed.get_or_insert_with(Stopwatch::start);
            }
            project.known = Some(found);
        }
        if project.changed.is_some() && !project.scanning && project.left_to_scan().is_zero() {
            project.changed = None;
            project.scanning = project.scan(shared);
        }
        project.plan_changed |= shared.runs_changed.swap(false, Ordering::AcqRel);
        if project.plan_changed && project.told_plan.left().is_zero() {
            project.plan_changed = false;
            project.told_plan = Past::now(PROJECT_REST);
            shared.feed.publish("plan", "");
        }
    }
}

impl ProjectLook {
    fn left_to_scan(&self) -> Duration {
        let settles = self.changed.map_or(Duration::ZERO, |at| FILES_SETTLE.saturating_sub(at.elapsed()));
        settles.max(self.scanned.left())
    }

    fn scan(&mut self, shared: &Shared) -> bool {
        let (answer, bell) = (Arc::clone(&self.answer), shared.bells.other.clone());
        self.scanned = Past::now(PROJECT_REST);
        let started = project::look(&shared.whence, move |found| {
            *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            bell.wake();
        });
        if let Err(error) = &started {
            tracing::warn!(%error, "the tasks cannot be read");
            self.changed = Some(Stopwatch::start());
        }
        started.is_ok()
    }

    /// Follows what was found. Returns whether any of it is new.
    fn follow(&mut self, shared: &Shared, found: &Found) -> bool {
        self.followed.retain(|folder, _| found.folders.contains(folder));
        let mut any = false;
        for folder in found.folders.iter().take(FOLDERS) {
            // One that was removed and made again is another.
            if self.followed.get(folder).is_none_or(|followed| !followed.is_alive())
                && let Ok(subscription) = shared.watcher.follow(folder, &shared.bells.project)
            {
                self.followed.insert(folder.clone(), subscription);
                any = true;
            }
        }
        any
    }
}
