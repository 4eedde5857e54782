//! How the last group of jobs ended, for the notice "all done". Pure: from ended runs to counts.

use crate::model::run::{Run, RunFacts};
use crate::model::run_state::{EndState, WaitingFor};

/// A single job causes a notice only if it took at least this long.
const SINGLE_JOB_MS: i64 = 60_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JobTotals {
    pub(super) succeeded: usize,
    pub(super) failed: usize,
    pub(super) stopped: usize,
    pub(super) lasted_ms: u64,
}

/// Whether an unfinished run is a job that runs, or will run without a person's action.
pub(super) fn goes_on(facts: &RunFacts, waiting: Option<WaitingFor>) -> bool {
    facts.form.is_job() && !matches!(waiting, Some(WaitingFor::Gate | WaitingFor::Environment))
}

/// Counts the last group of jobs whose times overlap. `ended` is sorted by end, the last first. `None`: no job, or
/// one short job.
pub(super) fn last_group(ended: &[Run]) -> Option<JobTotals> {
    let mut totals = JobTotals { succeeded: 0, failed: 0, stopped: 0, lasted_ms: 0 };
    let mut span = None;
    for (run, end) in
        ended.iter().filter(|run| run.facts.form.is_job()).filter_map(|run| Some((run, run.end.as_ref()?)))
    {
        let since = run.facts.created_at.min(end.ended_at);
        let (first, last) = span.unwrap_or((since, end.ended_at));
        if end.ended_at < first {
            break;
        }
        span = Some((first.min(since), last.max(end.ended_at)));
        match end.state {
            EndState::Succeeded => totals.succeeded += 1,
            EndState::Stopped => totals.stopped += 1,
            EndState::Failed | EndState::TimedOut | EndState::Lost | EndState::DependencyFailed => totals.failed += 1,
        }
    }
    let (first, last) = span?;
    let lasted = last.as_millisecond() - first.as_millisecond();
    totals.lasted_ms = u64::try_from(lasted).unwrap_or(0);
    let several = totals.succeeded + totals.failed + totals.stopped > 1;
    (several || lasted >= SINGLE_JOB_MS).then_some(totals)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::run_form::RunForm;
    use crate::model::run_state::RunState;
    use crate::snapshot::for_tests;

    /// A job that ran from `begun` to `ended`, in seconds.
    fn job(task: u32, begun: i64, ended: i64, state: EndState) -> Run {
        let mut run = for_tests::ended(task, ended * 1000);
        run.facts.form = RunForm::Headless;
        run.facts.created_at = Timestamp::from_second(begun).unwrap();
        run.state = RunState::Ended(state);
        let end = run.end.as_mut().unwrap();
        (end.state, end.ended_at) = (state, Timestamp::from_second(ended).unwrap());
        run
    }

    #[test]
    fn jobs_that_overlapped_are_counted_together() {
        use EndState::{Failed, Stopped, Succeeded};
        let ended = [
            job(1, 100, 130, Succeeded),
            job(2, 105, 125, Failed),
            job(3, 90, 110, Stopped),
            job(4, 10, 80, Succeeded), // Nothing ran between it and the others.
        ];
        assert_eq!(last_group(&ended), Some(JobTotals { succeeded: 1, failed: 1, stopped: 1, lasted_ms: 40_000 }));
        assert_eq!(last_group(&ended[3..]), Some(JobTotals { succeeded: 1, failed: 0, stopped: 0, lasted_ms: 70_000 }));
        assert_eq!(last_group(&ended[..1]), None, "one that took half a minute");
        assert_eq!(last_group(&[]), None);
    }

    #[test]
    fn a_run_that_waits_for_a_person_does_not_go_on() {
        let mut facts = for_tests::run(1, RunState::Running).facts;
        facts.form = RunForm::Headless;
        assert!(goes_on(&facts, None) && goes_on(&facts, Some(WaitingFor::Budget)));
        assert!(!goes_on(&facts, Some(WaitingFor::Gate)));
        facts.form = RunForm::Interactive;
        assert!(!goes_on(&facts, None), "a window goes on until somebody closes it");
    }
}
