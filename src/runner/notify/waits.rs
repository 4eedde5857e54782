//! Which waits are worth telling now: those that are not over, not heard of, and not before the
//! user's eyes. Asked once for all of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::model::activity::ActivityState;
use crate::model::notify::{Event, News};
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::{RunState, WaitingFor};
use crate::runner::refresh;
use crate::runner::store::Store;
use crate::system::tmux::Tmux;

/// What became of waits.
#[derive(Debug, Default)]
pub(super) struct Waits {
    pub(super) told: Vec<News>,
    /// Nobody heard of these, and nobody needs to: the next wait of the run is another one.
    pub(super) over: Vec<RunId>,
}

pub(super) fn sort_waits(store: &Store, news: &[&News]) -> Waits {
    let latest = latest(news);
    if latest.is_empty() {
        return Waits::default();
    }
    let ids: Vec<RunId> = latest.iter().map(|news| news.run_id.clone()).collect();
    let Ok(observed) = refresh::some(store, &ids) else {
        // Better a notice too many.
        return Waits { told: latest.into_iter().cloned().collect(), over: Vec::new() };
    };
    let shown = shown(&observed.runs);
    let mut waits = Waits::default();
    for news in latest {
        let run = observed.runs.iter().find(|run| *run.id() == news.run_id);
        let Some(run) = run.filter(|run| waits_now(run) != Some(false)) else {
            waits.over.push(news.run_id.clone());
            continue;
        };
        let news = as_seen(news, run);
        let is_shown = run.facts.socket.clone().zip(run.progress.window.clone()).is_some_and(|at| shown.contains(&at));
        if !is_shown && !store.folder(run.id()).read_told().knows(&news) {
            waits.told.push(news);
        }
    }
    waits
}

/// The last of each run: its hook and its bell tell of one wait.
fn latest<'a>(news: &[&'a News]) -> Vec<&'a News> {
    let mut latest: Vec<&News> = Vec::new();
    for news in news {
        match latest.iter_mut().find(|known| known.run_id == news.run_id) {
            Some(known) if known.at < news.at => *known = news,
            Some(_) => {}
            None => latest.push(news),
        }
    }
    latest
}

/// What it waits for now and since when, where that is seen.
fn as_seen(news: &News, run: &Run) -> News {
    match &run.progress.activity {
        Some(activity) if waits_now(run) == Some(true) => {
            News { what: Event::Waiting { reason: Some(activity.reason.clone()) }, at: activity.at, ..news.clone() }
        }
        _ => news.clone(),
    }
}

/// Sockets and windows that somebody looks at.
fn shown(runs: &[Run]) -> BTreeSet<(PathBuf, String)> {
    let sockets: BTreeSet<&PathBuf> = runs.iter().filter_map(|run| run.facts.socket.as_ref()).collect();
    let looked_at = |socket: &PathBuf| {
        let lookers = Tmux::new(socket.clone()).attached_clients().unwrap_or_default();
        let socket = socket.clone();
        lookers.into_iter().filter(|looker| looker.focused).map(move |looker| (socket.clone(), looker.window_id))
    };
    sockets.into_iter().flat_map(looked_at).collect()
}

/// Whether a run that was looked at waits for the user; `None` where that cannot be seen.
fn waits_now(run: &Run) -> Option<bool> {
    match (&run.state, &run.progress.activity) {
        (RunState::Queued(WaitingFor::Gate), _) => Some(true),
        (RunState::Running, None) | (RunState::Unknown(_) | RunState::Starting, _) => None,
        (RunState::Running, Some(activity)) => match activity.state {
            ActivityState::Waiting => Some(true),
            ActivityState::Unknown => None,
            ActivityState::Working | ActivityState::Idle => Some(false),
        },
        (RunState::Queued(_) | RunState::Stopping | RunState::Ended(_), _) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::activity::{Activity, ActivitySource};
    use crate::model::names::{ModeName, TaskId};
    use crate::model::notify::NOTIFY_VERSION;
    use crate::runner::live::for_tests;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn news(run: &Run, second: i64) -> News {
        News {
            version: NOTIFY_VERSION,
            run_id: run.id().clone(),
            mode: ModeName::parse("talk").unwrap(),
            task: TaskId::parse("T-1").unwrap(),
            headless: false,
            what: Event::Waiting { reason: Some("it rang the bell".to_owned()) },
            at: at(second),
        }
    }

    #[test]
    fn the_bell_of_a_wait_is_that_wait() {
        let mut run = for_tests::run(1, RunState::Running);
        let (hook, bell) = (news(&run, 100), news(&run, 106));
        assert_eq!(latest(&[&hook, &bell]), [&bell]);
        assert_eq!(as_seen(&bell, &run), bell, "of what cannot be seen the bell is believed");
        let seen = |state| Activity {
            state,
            reason: "permission".to_owned(),
            source: ActivitySource::Bell,
            at: at(100),
            fix: None,
        };
        run.progress.activity = Some(seen(ActivityState::Waiting));
        assert_eq!(as_seen(&bell, &run).at, at(100));
        assert_eq!(waits_now(&run), Some(true));
        run.progress.activity = Some(seen(ActivityState::Working));
        assert_eq!(waits_now(&run), Some(false));
        run.progress.activity = Some(seen(ActivityState::Unknown));
        assert_eq!(waits_now(&run), None);
    }
}
