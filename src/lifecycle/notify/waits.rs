//! Selects the waits to report: those that last, were not reported before, and are shown by no terminal.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::activity::ActivityState;
use crate::model::notify::{Event, EventDetails};
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::{RunState, WaitingFor};
use crate::os::tmux::Tmux;

/// The waits to report, and the runs whose waits are over: a later wait of theirs is a new one.
pub(super) fn still_waiting(store: &Store, events: &[&Event]) -> (Vec<Event>, Vec<RunId>) {
    let latest = latest(events);
    if latest.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let ids: Vec<RunId> = latest.iter().map(|event| event.run_id.clone()).collect();
    let Ok(observed) = refresh::some(store, &ids) else {
        // A superfluous notice is better than a missing one.
        return (latest.into_iter().cloned().collect(), Vec::new());
    };
    let shown = shown_windows(&observed.runs);
    let (mut waiting, mut over) = (Vec::new(), Vec::new());
    for event in latest {
        let run = observed.runs.iter().find(|run| *run.id() == event.run_id);
        let Some(run) = run.filter(|run| is_waiting(run) != Some(false)) else {
            over.push(event.run_id.clone());
            continue;
        };
        let event = as_observed(event, run);
        let is_shown = run.facts.socket.clone().zip(run.progress.window.clone()).is_some_and(|at| shown.contains(&at));
        if !is_shown && !store.folder(run.id()).read_delivered().knows(&event) {
            waiting.push(event);
        }
    }
    (waiting, over)
}

/// The last event of each run: a hook and a bell report one wait.
fn latest<'a>(events: &[&'a Event]) -> Vec<&'a Event> {
    let mut latest: Vec<&Event> = Vec::new();
    for event in events {
        match latest.iter_mut().find(|known| known.run_id == event.run_id) {
            Some(known) if known.at < event.at => *known = event,
            Some(_) => {}
            None => latest.push(event),
        }
    }
    latest
}

/// The event with the observed reason and time, if the run is observed to wait.
fn as_observed(event: &Event, run: &Run) -> Event {
    match &run.progress.activity {
        Some(activity) if is_waiting(run) == Some(true) => Event {
            what: EventDetails::Waiting { reason: Some(activity.reason.clone()) },
            at: activity.at,
            ..event.clone()
        },
        _ => event.clone(),
    }
}

/// The windows that focused terminals show, with their sockets.
fn shown_windows(runs: &[Run]) -> BTreeSet<(PathBuf, String)> {
    let sockets: BTreeSet<&PathBuf> = runs.iter().filter_map(|run| run.facts.socket.as_ref()).collect();
    let shown = |socket: &PathBuf| {
        let clients = Tmux::new(socket.clone()).attached_clients().unwrap_or_default();
        let socket = socket.clone();
        clients.into_iter().filter(|client| client.focused).map(move |client| (socket.clone(), client.window_id))
    };
    sockets.into_iter().flat_map(shown).collect()
}

/// Whether the observed run waits for the user; `None` if unknown.
fn is_waiting(run: &Run) -> Option<bool> {
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
    use crate::model::run_form::RunForm;
    use crate::snapshot::for_tests;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn event(run: &Run, second: i64) -> Event {
        Event {
            version: NOTIFY_VERSION,
            run_id: run.id().clone(),
            mode: ModeName::parse("talk").unwrap(),
            task: TaskId::parse("T-1").unwrap(),
            form: RunForm::Interactive,
            what: EventDetails::Waiting { reason: Some("it rang the bell".to_owned()) },
            at: at(second),
        }
    }

    #[test]
    fn a_hook_and_a_bell_report_one_wait() {
        let mut run = for_tests::run(1, RunState::Running);
        let (hook, bell) = (event(&run, 100), event(&run, 106));
        assert_eq!(latest(&[&hook, &bell]), [&bell]);
        assert_eq!(as_observed(&bell, &run), bell, "without an activity the bell counts");
        let activity = |state| Activity {
            state,
            reason: "permission".to_owned(),
            source: ActivitySource::Bell,
            at: at(100),
            fix: None,
        };
        run.progress.activity = Some(activity(ActivityState::Waiting));
        assert_eq!(as_observed(&bell, &run).at, at(100));
        assert_eq!(is_waiting(&run), Some(true));
        run.progress.activity = Some(activity(ActivityState::Working));
        assert_eq!(is_waiting(&run), Some(false));
        run.progress.activity = Some(activity(ActivityState::Unknown));
        assert_eq!(is_waiting(&run), None);
    }
}
