//! Which runs wait for a person, ordered by the start of the wait, and which to visit next; which ended runs a person
//! has looked at.

use std::io;

use jiff::Timestamp;

use crate::lifecycle::refresh;
use crate::lifecycle::store::{Observed, Store};
use crate::model::activity::{Activity, ActivityState};
use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::model::visit_record::{VISIT_VERSION, VisitRecord};
use crate::os::clock;
use crate::store::index::IndexError;

/// Since when the run waits for its user; `None` if it does not.
pub fn waits_since(run: &Run) -> Option<Timestamp> {
    waiting(run).map(|activity| activity.at)
}

fn waiting(run: &Run) -> Option<&Activity> {
    let activity = run.progress.activity.as_ref()?;
    (run.is_active() && activity.state == ActivityState::Waiting).then_some(activity)
}

/// Active runs with a window: first those that wait, longest wait first; then the others, newest first.
pub fn by_need(mut runs: Vec<Run>) -> Vec<Run> {
    runs.retain(|run| {
        run.facts.form.has_window() && matches!(run.state, RunState::Starting | RunState::Running | RunState::Stopping)
    });
    runs.sort_by(|a, b| {
        let age = |run: &Run| (waits_since(run).is_none(), waits_since(run));
        age(a).cmp(&age(b)).then_with(|| b.id().as_str().cmp(a.id().as_str()))
    });
    runs
}

/// The first of `waiting` (oldest wait first) that was not visited during its wait. If all were visited, the one
/// with the oldest visit: a new round starts.
fn next(waiting: Vec<(Run, Option<VisitRecord>)>) -> Option<Run> {
    let visited = |run: &Run, visit: &Option<VisitRecord>| {
        let visit = visit.as_ref().filter(|visit| waits_since(run) == Some(visit.waits_since))?;
        Some(visit.visited_at)
    };
    // `min_by_key` returns the first of equals: the longest wait.
    waiting.into_iter().min_by_key(|(run, visit)| visited(run, visit)).map(|(run, _)| run)
}

/// The run to visit next, if one waits, and the notices of the observation.
pub fn next_waiting(store: &Store) -> Result<(Option<Run>, Vec<String>), IndexError> {
    let Observed { runs, notices } = refresh::all(store)?;
    let mut waiting = by_need(runs);
    waiting.retain(|run| waits_since(run).is_some());
    let with_visit = |run: Run| {
        let visit = store.folder(run.id()).read_visit();
        (run, visit)
    };
    Ok((next(waiting.into_iter().map(with_visit).collect()), notices))
}

/// The runs with a window, waiting ones first.
pub fn windows(store: &Store) -> Result<Observed, IndexError> {
    let Observed { runs, notices } = refresh::all(store)?;
    Ok(Observed { runs: by_need(runs), notices })
}

/// Records a visit of `run`, if it waits. Fails if the record cannot be written.
pub fn visited(store: &Store, run: &Run) -> io::Result<()> {
    let Some(waits_since) = waits_since(run) else { return Ok(()) };
    let record = VisitRecord { version: VISIT_VERSION, waits_since, visited_at: clock::now() };
    store.folder(run.id()).write_visit(&record)
}

/// Whether a person has looked at this ended run.
pub fn is_seen(store: &Store, run: &Run) -> bool {
    let visit = store.folder(run.id()).read_visit();
    visit.is_some_and(|visit| run.end.as_ref().is_some_and(|end| end.ended_at == visit.waits_since))
}

/// Records that a person has looked at `run`, if it has ended. Fails if the record cannot be written.
pub fn seen(store: &Store, run: &Run) -> io::Result<()> {
    let Some(end) = run.end.as_ref() else { return Ok(()) };
    let record = VisitRecord { version: VISIT_VERSION, waits_since: end.ended_at, visited_at: clock::now() };
    store.folder(run.id()).write_visit(&record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::activity::ActivitySource;
    use crate::model::run_form::RunForm;
    use crate::snapshot::for_tests::{ended, run};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn window(number: u32, waits: Option<i64>) -> Run {
        let mut run = run(number, RunState::Running);
        run.facts.form = RunForm::Interactive;
        run.progress.activity = waits.map(|second| Activity {
            state: ActivityState::Waiting,
            reason: "a question".to_owned(),
            source: ActivitySource::Bell,
            at: at(second),
            fix: None,
        });
        run
    }

    fn ids(runs: &[Run]) -> Vec<String> {
        runs.iter().map(|run| run.facts.task.to_string()).collect()
    }

    fn visit(waits: i64, visited: i64) -> Option<VisitRecord> {
        Some(VisitRecord { version: 1, waits_since: at(waits), visited_at: at(visited) })
    }

    #[test]
    fn who_waits_longest_comes_first_and_jobs_and_ends_are_no_windows() {
        let mut job = window(5, Some(1));
        job.facts.form = RunForm::Headless;
        let mut queued = window(6, Some(1));
        queued.state = RunState::Queued(crate::model::run_state::WaitingFor::Folder);
        let all =
            vec![window(1, None), window(2, Some(20)), window(3, Some(10)), ended(4, 1), job, queued, window(7, None)];
        assert_eq!(ids(&by_need(all)), ["T-3", "T-2", "T-7", "T-1"]);
    }

    #[test]
    fn a_round_visits_each_and_begins_again() {
        let go = |visits: [Option<VisitRecord>; 3]| {
            let runs = [window(1, Some(10)), window(2, Some(20)), window(3, Some(30))];
            next(runs.into_iter().zip(visits).collect()).unwrap().facts.task.to_string()
        };
        assert_eq!(go([None, None, None]), "T-1");
        assert_eq!(go([visit(10, 100), None, None]), "T-2");
        assert_eq!(go([visit(10, 100), visit(20, 101), None]), "T-3");
        assert_eq!(go([visit(10, 100), visit(20, 101), visit(30, 102)]), "T-1", "again from the oldest");
        assert_eq!(go([visit(10, 103), visit(20, 101), visit(30, 102)]), "T-2");
        assert_eq!(go([visit(10, 103), visit(15, 200), visit(30, 102)]), "T-2", "it waits anew");
        assert_eq!(next(Vec::new()), None);
    }
}
