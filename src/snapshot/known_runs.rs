//! The runs as last published; computes the changes in a new observation. Pure.

use std::collections::{HashMap, HashSet};

use crate::model::activity::Activity;
use crate::model::run::{Progress, Run};
use crate::model::run_id::RunId;

#[derive(Debug, Default)]
pub(super) struct KnownRuns {
    /// Without the fields that change all the time.
    active: HashMap<RunId, Run>,
    /// Published ends that later queries may return again, with their times in milliseconds since 1970.
    ended: HashMap<RunId, i64>,
    /// False until the first observation, which is the baseline.
    begun: bool,
}

/// What to publish.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Changes {
    /// In the order of publication.
    pub(super) runs: Vec<Run>,
    /// Runs that were active and are now neither active nor known to have ended.
    pub(super) vanished: Vec<RunId>,
}

impl KnownRuns {
    /// Updates with an observation of the active runs and the runs that ended at or after `since_ms`, in any order.
    pub(super) fn update(&mut self, observed: &[Run], recent: Vec<Run>, since_ms: i64) -> Changes {
        let mut changes = Changes::default();
        let mut active = HashMap::new();
        let mut known: HashSet<RunId> = HashSet::new();
        let (now_active, just_ended): (Vec<&Run>, Vec<&Run>) = observed.iter().partition(|run| run.is_active());
        let mut ended: Vec<Run> = just_ended.into_iter().cloned().chain(recent).collect();
        ended.sort_by_key(|run| (ended_ms(run), run.id().clone()));
        for run in ended {
            let id = run.id().clone();
            if known.insert(id.clone()) && self.ended.insert(id, ended_ms(&run)).is_none() {
                changes.runs.push(run);
            }
        }
        for run in now_active {
            let essence = essence(run);
            if self.active.get(run.id()) != Some(&essence) {
                changes.runs.push(run.clone());
            }
            active.insert(run.id().clone(), essence);
        }
        let gone = self.active.keys().filter(|id| !active.contains_key(*id) && !known.contains(*id));
        changes.vanished = gone.cloned().collect();
        changes.vanished.sort();
        self.active = active;
        self.ended.retain(|_, at| *at >= since_ms);
        if std::mem::replace(&mut self.begun, true) { changes } else { Changes::default() }
    }
}

fn ended_ms(run: &Run) -> i64 {
    run.end.as_ref().map_or(0, |end| end.ended_at.as_millisecond())
}

/// A run without the fields that change while nothing happens or that are not displayed.
pub fn essence(run: &Run) -> Run {
    let activity = run.progress.activity.clone().map(Activity::timeless);
    let state_since = None;
    let progress = Progress { log_bytes: 0, pane: None, window: None, activity, state_since, ..run.progress.clone() };
    Run { progress, ..run.clone() }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::end_reason::EndReason;
    use crate::model::exit::Exit;
    use crate::model::exit_record::ExitRecord;
    use crate::model::names::{ModeName, TaskId};
    use crate::model::run::RunFacts;
    use crate::model::run_form::RunForm;
    use crate::model::run_state::{EndState, RunState, WaitingFor};
    use jiff::Timestamp;

    pub(crate) fn run(number: u32, state: RunState) -> Run {
        let facts = RunFacts {
            run_id: RunId::parse(&format!("01ARZ3NDEKTSV4RRFFQ{number:07}")).unwrap(),
            mode: ModeName::parse("job").unwrap(),
            task: TaskId::parse(&format!("T-{number}")).unwrap(),
            form: RunForm::Headless,
            protocol: crate::model::protocol::Protocol::default(),
            session: None,
            socket: None,
            cwd: "/".into(),
            created_at: Timestamp::UNIX_EPOCH,
            parent_run: None,
            session_id: None,
            agent: None,
            started_by: None,
            by_up: false,
            exclusive: false,
            slots: 1,
            executor: None,
            spec_fingerprint: None,
        };
        Run::active(facts, state)
    }

    pub(crate) fn ended(number: u32, at_ms: i64) -> Run {
        let run = run(number, RunState::Running);
        let ended_at = Timestamp::from_millisecond(at_ms).unwrap();
        let reason = EndReason::NoResult;
        let end = ExitRecord::never_started(run.id().clone(), EndState::Succeeded, reason, ended_at);
        let end = ExitRecord { reason: None, exit: Exit::code(0), attempt: 1, ..end };
        Run::ended(run.facts, end)
    }

    fn published(changes: &Changes) -> Vec<(&str, &'static str)> {
        changes.runs.iter().map(|run| (run.facts.task.as_str(), run.state.as_str())).collect()
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut seen = KnownRuns::default();
        let queued = run(1, RunState::Queued(WaitingFor::Slot));
        assert_eq!(
            seen.update(std::slice::from_ref(&queued), vec![ended(9, 5)], 0),
            Changes::default(),
            "the first look"
        );
        assert_eq!(seen.update(&[queued], vec![ended(9, 5)], 0), Changes::default());
        let mut running = run(1, RunState::Running);
        assert_eq!(published(&seen.update(std::slice::from_ref(&running), vec![], 10)), [("T-1", "running")]);
        running.progress.log_bytes = 77;
        running.progress.pane = Some("%1".to_owned());
        assert_eq!(published(&seen.update(std::slice::from_ref(&running), vec![], 20)), []);
        running.progress.pid = Some(7);
        assert_eq!(published(&seen.update(std::slice::from_ref(&running), vec![], 20)), [("T-1", "running")]);
        running.state = RunState::Queued(WaitingFor::Need);
        seen.update(std::slice::from_ref(&running), vec![], 20);
        running.state = RunState::Queued(WaitingFor::Gate);
        assert_eq!(published(&seen.update(&[running], vec![], 20)), [("T-1", "queued")], "it waits for something else");
    }

    #[test]
    fn each_end_is_told_once_whoever_saw_it() {
        let mut seen = KnownRuns::default();
        seen.update(&[run(1, RunState::Running), run(2, RunState::Running)], vec![], 0);
        // One end found by this observation, one by another process, one of a run that was never observed.
        let changes = seen.update(&[ended(1, 30)], vec![ended(3, 20), ended(2, 10), ended(1, 30)], 5);
        assert_eq!(published(&changes), [("T-2", "succeeded"), ("T-3", "succeeded"), ("T-1", "succeeded")]);
        assert_eq!(changes.vanished, []);
        assert_eq!(seen.update(&[], vec![ended(1, 30), ended(3, 20)], 15), Changes::default());
        assert_eq!(seen.ended.len(), 2, "what cannot be found again is forgotten");
    }

    #[test]
    fn a_run_whose_record_is_gone_is_named() {
        let mut seen = KnownRuns::default();
        seen.update(&[run(1, RunState::Running)], vec![], 0);
        let changes = seen.update(&[], vec![], 0);
        assert_eq!((changes.runs.len(), changes.vanished.len()), (0, 1));
    }
}
