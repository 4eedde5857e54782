//! The thread that observes the runs and reads the project when something may have changed, and publishes events.
//!
//! Waits for file events. While runs are active it also probes at short intervals, because a killed supervisor writes
//! nothing. Without subscribers it only remembers changes; without active runs it sleeps.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::os::clock::Stopwatch;
use crate::os::event_fd::EventFd;
use crate::os::watch::file_watcher::Subscription;
use crate::os::watch::wait_readable;
use crate::snapshot::liveness::LivenessProbe;
use crate::snapshot::project_print::{self, ProjectPrint};
use crate::snapshot::{LiveState, Snapshot};

/// Stack in bytes: enough for SQLite and records.
pub(super) const STACK: usize = 256 * 1024;

/// Events within this time are handled together.
const SETTLE: Duration = Duration::from_millis(10);
/// Interval of liveness probes while runs are active.
const PROBE_INTERVAL: Duration = Duration::from_millis(200);
/// Interval of observations for runs without a liveness probe: windows whose hook was lost, queued runs.
const OBSERVE_INTERVAL: Duration = Duration::from_secs(1);
/// After an observation, pause for this many times its duration.
const REST: u32 = 6;
/// After a round of probes, pause for this many times its duration.
const IDLE_REST: u32 = 100;
const LONGEST_REST: Duration = Duration::from_secs(2);

/// File changes within this time are handled together.
const FILES_SETTLE: Duration = Duration::from_millis(200);
/// Shortest interval between two reads of the project, and between two `plan` events.
const PROJECT_REST: Duration = Duration::from_secs(1);
/// After a scan, pause for this many times its duration.
const SCAN_REST: u32 = 10;
/// Maximum number of watched folders.
const FOLDERS: usize = 4096;

/// Starts the thread. `new_runs` watches the folder of all runs.
pub(super) fn start(shared: &Arc<LiveState>, new_runs: Subscription) -> io::Result<()> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new().name("poller".to_owned()).stack_size(STACK).spawn(move || {
        let _watch = new_runs;
        let mut poller = Poller::new(&shared);
        while !shared.is_shut_down.load(Ordering::Acquire) {
            poller.step();
        }
    })?;
    Ok(())
}

struct Poller<'a> {
    shared: &'a LiveState,
    probe: LivenessProbe,
    /// Since when a change is pending.
    changed: Option<Stopwatch>,
    /// Time of the last change: only an observation that began later includes it.
    changed_at: Stopwatch,
    observed: Cooldown,
    probed: Cooldown,
    project: ProjectPoller,
}

/// The time of the last action, and the pause after it.
struct Cooldown {
    at: Stopwatch,
    rest: Duration,
}

/// The state of watching manifest and tasks.
struct ProjectPoller {
    changed: Option<Stopwatch>,
    scanned: Cooldown,
    scanning: bool,
    /// The result of a scan, set by its thread.
    answer: Arc<Mutex<Option<ProjectPrint>>>,
    known: Option<ProjectPrint>,
    followed: BTreeMap<PathBuf, Subscription>,
    /// A `plan` event is pending.
    plan_changed: bool,
    published_plan: Cooldown,
}

impl Cooldown {
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

impl<'a> Poller<'a> {
    fn new(shared: &'a LiveState) -> Self {
        Self {
            shared,
            probe: LivenessProbe::default(),
            // The first observation is the baseline.
            changed: Some(Stopwatch::start()),
            changed_at: Stopwatch::start(),
            observed: Cooldown::never(),
            probed: Cooldown::never(),
            project: ProjectPoller {
                changed: Some(Stopwatch::start()),
                scanned: Cooldown::never(),
                scanning: false,
                answer: Arc::default(),
                known: None,
                followed: BTreeMap::new(),
                plan_changed: false,
                published_plan: Cooldown::never(),
            },
        }
    }

    fn step(&mut self) {
        let shared = self.shared;
        let current = shared.current().clone();
        let first = current.is_none();
        let awake = shared.has_subscribers();
        let timeout = match (first, awake) {
            (true, _) => Some(self.left_to_observe()),
            (false, true) => self.timeout(current.as_deref()),
            (false, false) => None,
        };
        let wake = &shared.wake;
        let fds = [wake.runs.as_fd(), wake.project.as_fd(), wake.poller.as_fd()];
        let Ok(ready) = wait_readable(&fds, timeout) else {
            std::thread::sleep(PROBE_INTERVAL);
            return;
        };
        let is_ready = |place: usize, bell: &EventFd| {
            let is_set = ready.get(place) == Some(&true);
            if is_set {
                bell.clear();
            }
            is_set
        };
        if is_ready(0, &wake.runs) {
            self.changed_at = Stopwatch::start();
            self.changed.get_or_insert(self.changed_at);
        }
        if is_ready(1, &wake.project) {
            self.project.changed.get_or_insert_with(Stopwatch::start);
        }
        is_ready(2, &wake.poller);
        if first || shared.has_subscribers() {
            self.check_runs(current.as_deref());
            self.files();
        }
    }

    /// The time until the next action is due.
    fn timeout(&self, current: Option<&Snapshot>) -> Option<Duration> {
        let active = current.map_or(&[][..], |snapshot| &snapshot.active);
        // A pending observation makes probes unnecessary.
        let observe = self.changed.map(|_| self.left_to_observe());
        let quiet = observe.is_none();
        let probe = (quiet && !active.is_empty()).then(|| self.probed.left());
        let regular = (quiet && self.probe.are_insufficient(active)).then(|| self.left_to_regular());
        let project = &self.project;
        let scan = project.changed.filter(|_| !project.scanning).map(|_| project.left_to_scan());
        let plan = project.plan_changed.then(|| project.published_plan.left());
        [probe, regular, observe, scan, plan].into_iter().flatten().min()
    }

    fn left_to_observe(&self) -> Duration {
        let settles = self.changed.map_or(Duration::ZERO, |at| SETTLE.saturating_sub(at.elapsed()));
        settles.max(self.observed.left())
    }

    fn left_to_regular(&self) -> Duration {
        // Longer after a slow observation, but bounded: only this observation detects a bell.
        let rest = OBSERVE_INTERVAL.max(self.observed.rest);
        rest.saturating_sub(self.observed.at.elapsed())
    }

    fn check_runs(&mut self, current: Option<&Snapshot>) {
        if self.changed.is_some() {
            if self.left_to_observe().is_zero() {
                self.observe_now();
            }
            return;
        }
        let Some(current) = current.filter(|current| !current.active.is_empty()) else { return };
        if self.probe.are_insufficient(&current.active) && self.left_to_regular().is_zero() {
            self.observe_now();
            return;
        }
        if self.probed.left().is_zero() {
            let begun = Stopwatch::start();
            let suspects = self.probe.suspects(&self.shared.store, &current.active);
            self.probed = Cooldown::now(PROBE_INTERVAL.max(begun.elapsed() * IDLE_REST));
            if !suspects.is_empty() {
                self.observe_now();
                self.probe.observed(suspects);
            }
        }
    }

    fn observe_now(&mut self) {
        // A snapshot that began after the last change includes it.
        let fresh = self.changed.take().map_or(Duration::ZERO, |_| self.changed_at.elapsed());
        let begun = Stopwatch::start();
        if let Err(error) = self.shared.snapshot(fresh) {
            tracing::warn!(%error, "the runs cannot be observed");
            self.changed_at = Stopwatch::start();
            self.changed = Some(self.changed_at);
            self.observed = Cooldown::now(LONGEST_REST);
            return;
        }
        self.observed = Cooldown::now((begun.elapsed() * REST).min(LONGEST_REST));
    }

    /// Handles the result of a scan, starts the next scan, and publishes `tasks` and `plan`.
    fn files(&mut self) {
        let (shared, project) = (self.shared, &mut self.project);
        let answer = project.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(found) = answer {
            project.scanning = false;
            project.scanned.rest = PROJECT_REST.max(project.scanned.at.elapsed() * SCAN_REST);
            // Publish after the first scan too: a client may have read the tasks before it.
            let known = project.known.as_ref();
            let tasks_changed = known.is_none_or(|known| known.tasks != found.tasks);
            let is_other_plan = known.is_none_or(|known| known.plan != found.plan);
            if tasks_changed || is_other_plan {
                shared.projects.fetch_add(1, Ordering::AcqRel);
            }
            if tasks_changed {
                shared.feed.publish("tasks", "");
            }
            project.plan_changed |= is_other_plan;
            if project.take_over(shared, &found) {
                // Files there may have changed before the folder was watched.
                project.changed.get_or_insert_with(Stopwatch::start);
            }
            project.known = Some(found);
        }
        if project.changed.is_some() && !project.scanning && project.left_to_scan().is_zero() {
            project.changed = None;
            project.scanning = project.scan(shared);
        }
        project.plan_changed |= shared.runs_changed.swap(false, Ordering::AcqRel);
        if project.plan_changed && project.published_plan.left().is_zero() {
            project.plan_changed = false;
            project.published_plan = Cooldown::now(PROJECT_REST);
            shared.feed.publish("plan", "");
        }
    }
}

impl ProjectPoller {
    fn left_to_scan(&self) -> Duration {
        let settles = self.changed.map_or(Duration::ZERO, |at| FILES_SETTLE.saturating_sub(at.elapsed()));
        settles.max(self.scanned.left())
    }

    fn scan(&mut self, shared: &LiveState) -> bool {
        let (answer, bell) = (Arc::clone(&self.answer), shared.wake.poller.clone());
        self.scanned = Cooldown::now(PROJECT_REST);
        let started = project_print::scan(&shared.location, move |found| {
            *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            bell.wake();
        });
        if let Err(error) = &started {
            tracing::warn!(%error, "the tasks cannot be read");
            self.changed = Some(Stopwatch::start());
        }
        started.is_ok()
    }

    /// Watches the folders. Returns whether one of them is new.
    fn take_over(&mut self, shared: &LiveState, found: &ProjectPrint) -> bool {
        self.followed.retain(|folder, _| found.folders.contains(folder));
        let mut any = false;
        for folder in found.folders.iter().take(FOLDERS) {
            // A folder that was removed and created again must be watched again.
            if self.followed.get(folder).is_none_or(|followed| !followed.is_alive())
                && let Ok(subscription) = shared.watcher.follow(folder, &shared.wake.project)
            {
                self.followed.insert(folder.clone(), subscription);
                any = true;
            }
        }
        any
    }
}
