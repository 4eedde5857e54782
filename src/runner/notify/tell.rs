//! `__notify`: tells what waits to be told, all of it as one notice, and is gone.
//!
//! One at a time, by a lock. News are taken away only after they were told and the run's record
//! says so: who is killed in between is followed by one who tells them, unless they are old by then.

use std::path::Path;
use std::time::Duration;

use crate::model::notify::{Event, NOTIFY_VERSION, News, NewsKind, NotifySettings, NotifyTrouble};
use crate::model::run_id::RunId;
use crate::runner::notify::waits;
use crate::runner::notify::waits::Waits;
use crate::runner::notify::{deliver, done, words};
use crate::runner::store::Store;
use crate::system::clock;
use crate::system::process::supervise::{self, Forked};
use crate::system::store::index::{HistoryFilter, IndexError};
use crate::system::store::notify_folder::Pending;

/// What comes within this time is one notice. Longer than a bell takes to mean it: who rings and
/// goes on does not wait.
const TOGETHER: Duration = Duration::from_secs(2);
/// An end that nobody told for so long, beside the rest between two notices, is history.
const STALE_MS: u64 = 5 * 60 * 1000;
/// So many ends are summed up at most.
const SUMMED: u32 = 1000;

/// Tells what waits in the state folder at `path`, in a process that is nobody's child. Returns in
/// the one that was started, at once.
pub fn tell(path: &Path) {
    // A terminal's, a window's or a job's end is none of ours.
    if !matches!(supervise::detach(), Ok(Forked::Child)) {
        return;
    }
    let Ok(Some(store)) = Store::find(path) else { return };
    let notify = store.state().notify();
    // Looked at again after the lock was given back: who came in between has relied on us.
    while notify.has_pending() {
        let Ok(Some(telling)) = notify.claim() else { return };
        while notify.has_pending() {
            std::thread::sleep(pause(&store));
            if !tell_pending(&store) {
                // A full or read-only disk: they would be told again and again.
                return;
            }
        }
        drop(telling);
    }
}

/// Until what waits may be told.
fn pause(store: &Store) -> Duration {
    let notify = store.state().notify();
    let Some(settings) = notify.settings() else { return Duration::ZERO };
    let every = settings.notify.every.as_duration();
    let rest = notify.last().map(|last| {
        // A clock that was set back keeps nobody waiting for longer.
        let past = Duration::from_millis(clock::millis_between(last, clock::now()));
        every.saturating_sub(past)
    });
    rest.unwrap_or_default().max(TOGETHER)
}

/// Tells all that waits now. False where it cannot be taken away afterwards.
fn tell_pending(store: &Store) -> bool {
    let notify = store.state().notify();
    let pending = notify.pending();
    let mut over = Vec::new();
    if let Some(settings) = notify.settings() {
        let (news, dropped) = worth_telling(store, &settings, &pending);
        let notice = words::compose(&project(&settings), &news.told, news.done);
        let mut trouble = (dropped > 0).then(|| format!("{dropped} were too old when they could be told"));
        if let Some(notice) = notice {
            let _ = notify.note_last(clock::now());
            trouble = deliver::deliver(&settings, &notice).err().or(trouble);
        }
        if !news.told.is_empty() || news.done.is_some() || dropped > 0 {
            let record = trouble.map(|why| NotifyTrouble { version: NOTIFY_VERSION, at: clock::now(), why });
            notify.note_trouble(record.as_ref());
        }
        over = news.over;
    }
    let mut taken = !pending.is_empty();
    for Pending { place, news } in &pending {
        let folder = store.folder(&news.run_id);
        // A run that was pruned meanwhile needs no record.
        let unheard = matches!(news.what, Event::Waiting { .. }) && over.contains(&news.run_id);
        if !unheard {
            let _ = folder.write_told(&folder.read_told().with(news));
        }
        taken &= notify.take(place);
    }
    store.close_index();
    taken
}

fn worth_telling(store: &Store, settings: &NotifySettings, pending: &[Pending]) -> (ToTell, usize) {
    let now = clock::now();
    let fresh: Vec<&News> = pending
        .iter()
        .map(|pending| &pending.news)
        .filter(|news| !store.folder(&news.run_id).read_told().knows(news))
        .collect();
    let rest = u64::try_from(settings.notify.every.as_duration().as_millis()).unwrap_or(u64::MAX);
    let stale = |news: &News| {
        let age = clock::millis_between(news.at, now);
        matches!(news.what, Event::Ended { .. }) && age > STALE_MS.saturating_add(rest)
    };
    let (old, fresh): (Vec<&News>, Vec<&News>) = fresh.into_iter().partition(|news| stale(news));
    let (waiting, ended): (Vec<&News>, Vec<&News>) =
        fresh.into_iter().partition(|news| matches!(news.what, Event::Waiting { .. }));
    let on = &settings.notify.on;
    let Waits { mut told, over } = waits::sort_waits(store, &waiting);
    told.extend(ended.iter().filter(|news| news.what.kind().is_some_and(|kind| on.contains(&kind))).copied().cloned());
    let a_job_ended = ended.iter().any(|news| news.headless);
    let done = (a_job_ended && on.contains(&NewsKind::Done)).then(|| sum_up(store)).and_then(|sum| {
        sum.unwrap_or_else(|error| {
            tracing::warn!(%error, "what is done cannot be summed up");
            None
        })
    });
    (ToTell { told, over, done }, old.len())
}

/// What the jobs came to, where none goes on.
fn sum_up(store: &Store) -> Result<Option<done::Done>, IndexError> {
    let (active, queued) = store.with_index(|index| Ok((index.active_facts()?, index.queued()?)))?;
    let goes_on = active.iter().any(|(id, facts)| {
        let waiting = queued.iter().find(|queued| queued.id == *id).map(|queued| queued.waiting_for);
        let counts = facts.as_ref().is_some_and(|facts| done::goes_on(facts, waiting));
        // One that has ended and whom nobody has looked at yet.
        counts && !store.folder(id).has_exit()
    });
    if goes_on {
        return Ok(None);
    }
    let filter = HistoryFilter { limit: Some(SUMMED), ..HistoryFilter::default() };
    Ok(done::sum_up(&store.history(&filter)?.runs))
}

/// What is left of the news.
struct ToTell {
    told: Vec<News>,
    /// Waits of these runs went by unheard.
    over: Vec<RunId>,
    done: Option<done::Done>,
}

fn project(settings: &NotifySettings) -> String {
    if let Some(name) = &settings.name {
        return name.clone();
    }
    settings.root.file_name().map_or_else(|| "dispatch".to_owned(), |name| name.to_string_lossy().into_owned())
}
