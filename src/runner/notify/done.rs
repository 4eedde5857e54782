//! When all is done: the last of the jobs that ran side by side has ended. A pure judgement.

use jiff::Timestamp;

use crate::model::exit_record::ExitRecord;
use crate::model::run::{Run, RunFacts};
use crate::model::run_state::{EndState, WaitingFor};

/// One job alone is worth a sum where it took as long.
const ALONE_MS: i64 = 60_000;

/// What the jobs came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) succeeded: usize,
    pub(super) failed: usize,
    pub(super) stopped: usize,
    pub(super) lasted_ms: u64,
}

/// Whether an unfinished run is a job that goes on, or will by itself.
pub(super) fn goes_on(facts: &RunFacts, waiting: Option<WaitingFor>) -> bool {
    facts.headless && !matches!(waiting, Some(WaitingFor::Gate | WaitingFor::Environment))
}

/// The jobs that ended last, without a moment in which none was there: of `ended`, which is in the
/// order of ends, the last first. `None` where they are not worth a sum.
pub(super) fn sum_up(ended: &[Run]) -> Option<Done> {
    let mut done = Done { succeeded: 0, failed: 0, stopped: 0, lasted_ms: 0 };
    let jobs = ended.iter().filter(|run| run.facts.headless);
    let (mut begun, mut last): (Option<Timestamp>, Option<Timestamp>) = (None, None);
    for (run, end) in jobs.filter_map(|run| Some((run, run.end.as_ref()?))) {
        if begun.is_some_and(|begun| end.ended_at < begun) {
            break;
        }
        begun = Some(begun.map_or(since(run, end), |begun| begun.min(since(run, end))));
        last = last.max(Some(end.ended_at));
        match end.state {
            EndState::Succeeded => done.succeeded += 1,
            EndState::Stopped => done.stopped += 1,
            EndState::Failed | EndState::TimedOut | EndState::Lost | EndState::DependencyFailed => done.failed += 1,
        }
    }
    let lasted = last?.as_millisecond() - begun?.as_millisecond();
    done.lasted_ms = u64::try_from(lasted).unwrap_or(0);
    let several = done.succeeded + done.failed + done.stopped > 1;
    (several || lasted >= ALONE_MS).then_some(done)
}

/// A run counts from the moment somebody wanted it.
fn since(run: &Run, end: &ExitRecord) -> Timestamp {
    run.facts.created_at.min(end.ended_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run_state::RunState;
    use crate::runner::live::for_tests;

    /// A job from `begun` to `ended`, in seconds.
    fn job(task: u32, begun: i64, ended: i64, state: EndState) -> Run {
        let mut run = for_tests::ended(task, ended * 1000);
        run.facts.headless = true;
        run.facts.created_at = Timestamp::from_second(begun).unwrap();
        run.state = RunState::Ended(state);
        let end = run.end.as_mut().unwrap();
        (end.state, end.ended_at) = (state, Timestamp::from_second(ended).unwrap());
        run
    }

    #[test]
    fn what_ran_side_by_side_is_summed_up() {
        use EndState::{Failed, Stopped, Succeeded};
        let ended = [
            job(1, 100, 130, Succeeded),
            job(2, 105, 125, Failed),
            job(3, 90, 110, Stopped),
            job(4, 10, 80, Succeeded), // Nothing ran between it and the others.
        ];
        let sum = |ended: &[Run]| sum_up(ended);
        assert_eq!(sum(&ended), Some(Done { succeeded: 1, failed: 1, stopped: 1, lasted_ms: 40_000 }));
        assert_eq!(sum(&ended[3..]), Some(Done { succeeded: 1, failed: 0, stopped: 0, lasted_ms: 70_000 }));
        assert_eq!(sum(&ended[..1]), None, "one that took half a minute");
        assert_eq!(sum(&[]), None);
    }

    #[test]
    fn what_waits_for_a_person_does_not_go_on() {
        let mut facts = for_tests::run(1, RunState::Running).facts;
        facts.headless = true;
        assert!(goes_on(&facts, None) && goes_on(&facts, Some(WaitingFor::Budget)));
        assert!(!goes_on(&facts, Some(WaitingFor::Gate)));
        facts.headless = false;
        assert!(!goes_on(&facts, None), "a window goes on until somebody closes it");
    }
}
