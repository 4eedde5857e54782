//! The process `__notify`: sends the pending events as one notice, and exits when none is left.
//!
//! A lock permits one notifier at a time. An event is removed only after its notice was sent and the run's record
//! says so: if a notifier is killed in between, the next one sends the event, unless it is then too old.

use std::path::Path;
use std::time::Duration;

use crate::lifecycle::notify::job_totals::{self, JobTotals};
use crate::lifecycle::notify::{deliver, notice, waits};
use crate::lifecycle::store::Store;
use crate::model::notify::{DeliveryFailure, Event, NOTIFY_VERSION, NoticeKind, NotifySettings};
use crate::model::run_id::RunId;
use crate::os::clock;
use crate::os::process::supervise::{self, Forked};
use crate::store::index::{HistoryFilter, IndexError};
use crate::store::notify_folder::Pending;

/// Events within this time become one notice. Also debounces bells: one that is followed by output is no wait. tmux
/// reports whole seconds, and only output two seconds after the bell counts: a third second lets it appear.
const COLLECT: Duration = Duration::from_secs(3);
/// An end that was not sent for this long, plus the configured pause between notices, is dropped.
const EXPIRED_MS: u64 = 5 * 60 * 1000;
/// Totals count at most this many ended runs.
const MAX_COUNTED: u32 = 1000;

/// Starts the notifier for the state folder at `path` in a process with its own session. The calling
/// process does not wait.
pub fn run(path: &Path) {
    // Detached, so the notifier survives the end of the terminal, window or job.
    if !matches!(supervise::detach(), Ok(Forked::Child)) {
        return;
    }
    let Ok(Some(store)) = Store::find(path) else { return };
    let notify = store.state().notify();
    // Re-check after releasing the lock: a process that wrote an event meanwhile saw the lock held and started no
    // notifier.
    while notify.has_pending() {
        let Ok(Some(lock)) = notify.lock() else { return };
        while notify.has_pending() {
            std::thread::sleep(pause(&store));
            if !send_pending(&store) {
                // The events cannot be removed (disk full or read-only): the notice would repeat forever.
                return;
            }
        }
        drop(lock);
    }
}

/// How long to wait before the next notice.
fn pause(store: &Store) -> Duration {
    let notify = store.state().notify();
    let Some(settings) = notify.settings() else { return Duration::ZERO };
    // `millis_between` is 0 if the clock was set back, so the pause is at most `every`.
    let since = |last| Duration::from_millis(clock::millis_between(last, clock::now()));
    let rest = notify.last_sent().map(|last| settings.notify.every.as_duration().saturating_sub(since(last)));
    rest.unwrap_or_default().max(COLLECT)
}

/// Sends the pending events. False if their files cannot be removed afterwards.
fn send_pending(store: &Store) -> bool {
    let notify = store.state().notify();
    let pending = notify.pending();
    let settings = notify.settings();
    let over = settings.map(|settings| send(store, &settings, &pending)).unwrap_or_default();
    let mut removed = !pending.is_empty();
    for Pending { path, event } in &pending {
        let is_unsent_wait = event.is_wait() && over.contains(&event.run_id);
        if !is_unsent_wait {
            let folder = store.folder(&event.run_id);
            // Fails if the run was pruned meanwhile; it needs no record then.
            let _ = folder.write_delivered(&folder.read_delivered().with(event));
        }
        removed &= notify.remove(path);
    }
    store.close_index();
    removed
}

/// Sends one notice of all. Returns the runs whose waits were over before a notice was sent.
fn send(store: &Store, settings: &NotifySettings, pending: &[Pending]) -> Vec<RunId> {
    let notify = store.state().notify();
    let (events, expired, over) = select(store, settings, pending);
    let totals = totals(store, settings, &events);
    let on = &settings.notify.on;
    let is_wanted = |event: &Event| event.what.kind().is_some_and(|kind| on.contains(&kind));
    let events: Vec<Event> = events.into_iter().filter(is_wanted).collect();
    let mut failure = (expired > 0).then(|| format!("{expired} were too old when they could be sent"));
    if let Some(notice) = notice::compose(&project_name(settings), &events, totals) {
        let _ = notify.note_sent(clock::now());
        failure = deliver::deliver(settings, &notice).err().or(failure);
    }
    if !events.is_empty() || totals.is_some() || expired > 0 {
        let record = failure.map(|why| DeliveryFailure { version: NOTIFY_VERSION, at: clock::now(), why });
        notify.note_failure(record.as_ref());
    }
    over
}

/// The events to send (lasting waits, then ends), the number of ends that are too old, and the runs whose waits are
/// over.
fn select(store: &Store, settings: &NotifySettings, pending: &[Pending]) -> (Vec<Event>, usize, Vec<RunId>) {
    let now = clock::now();
    let every_ms = u64::try_from(settings.notify.every.as_duration().as_millis()).unwrap_or(u64::MAX);
    let unsent = pending.iter().map(|pending| &pending.event);
    let unsent = unsent.filter(|event| !store.folder(&event.run_id).read_delivered().knows(event));
    let (waits, mut ends): (Vec<&Event>, Vec<&Event>) = unsent.partition(|event| event.is_wait());
    let all = ends.len();
    ends.retain(|end| clock::millis_between(end.at, now) <= EXPIRED_MS.saturating_add(every_ms));
    let (mut events, over) = waits::still_waiting(store, &waits);
    let expired = all - ends.len();
    events.extend(ends.into_iter().cloned());
    (events, expired, over)
}

/// The totals of the last group of jobs, if `events` contains the end of a job and no job goes on.
fn totals(store: &Store, settings: &NotifySettings, events: &[Event]) -> Option<JobTotals> {
    let a_job_ended = events.iter().any(|event| event.form.is_job() && !event.is_wait());
    if !a_job_ended || !settings.notify.on.contains(&NoticeKind::Done) {
        return None;
    }
    count_jobs(store).unwrap_or_else(|error| {
        tracing::warn!(%error, "the ended jobs cannot be counted");
        None
    })
}

fn count_jobs(store: &Store) -> Result<Option<JobTotals>, IndexError> {
    let (active, queued) = store.with_index(|index| Ok((index.active_facts()?, index.queued()?)))?;
    let goes_on = active.iter().any(|(id, facts)| {
        let waiting = queued.iter().find(|queued| queued.id == *id).map(|queued| queued.waiting_for);
        let counts = facts.as_ref().is_some_and(|facts| job_totals::goes_on(facts, waiting));
        // The index may list an ended run as active until it is observed.
        counts && !store.folder(id).has_exit()
    });
    if goes_on {
        return Ok(None);
    }
    let filter = HistoryFilter { limit: Some(MAX_COUNTED), ..HistoryFilter::default() };
    Ok(job_totals::last_group(&store.past_page(&filter)?.0.runs))
}

fn project_name(settings: &NotifySettings) -> String {
    let folder = || settings.root.file_name().map(|name| name.to_string_lossy().into_owned());
    settings.name.clone().or_else(folder).unwrap_or_else(|| "dispatch".to_owned())
}
