//! Decides the state of a run on an engine that has no recorded end: by the engine's report, by its environment file and by
//! the signs of life of its node. Pure.
//!
//! The engine's report is never evidence of success. A run is lost only if both hold: the engine reports an end, and
//! the node is silent. An engine that does not answer starts and ends nothing.

use std::time::Duration;

use crate::model::end_reason::EndReason;
use crate::model::engine_report::{EngineReport, JobEnd};
use crate::model::exit::Exit;
use crate::model::run_state::{EndState, RunState, UnknownWhy, WaitingFor};
use crate::model::submit_record::SubmitPhase;
use crate::plan::observed_state::{InferredEnd, ObservedState};

/// For this long after the record of a submission, an engine that does not know the job proves nothing: its command may
/// still run (it is killed after 10 s), or its answer is older than the record (by up to 2 s).
const SUBMIT_PATIENCE: Duration = Duration::from_secs(12);

/// Everything that is known of a job on an engine.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineEvidence {
    /// `None`: the engine was not asked to run it.
    pub phase: Option<SubmitPhase>,
    /// Since the engine was asked.
    pub submit_age: Duration,
    /// The file with its environment exists: no node has taken the run.
    pub environment_waits: bool,
    /// How long the node has shown no sign of life, by the clock of this machine.
    pub quiet: Duration,
    pub lease: Duration,
    /// `None` until the engine is asked.
    pub report: Option<EngineReport>,
}

/// What the record of the run says beside that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeRecord<'a> {
    /// Its state while its node is alive.
    pub alive: &'a RunState,
    pub stop_requested: bool,
}

/// The node's signs of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeSign {
    /// No node has taken the run.
    Waits,
    Alive,
    Quiet,
}

impl EngineEvidence {
    fn sign(&self) -> NodeSign {
        match self.environment_waits {
            true => NodeSign::Waits,
            false if self.quiet >= self.lease => NodeSign::Quiet,
            false => NodeSign::Alive,
        }
    }
}

/// The state of a run whose pair lock is free. An end as never started holds only if the caller can then take the
/// environment file back.
pub fn verdict(evidence: &EngineEvidence, record: NodeRecord<'_>) -> ObservedState {
    let Some(phase) = &evidence.phase else { return never_started(None) };
    let Some(report) = &evidence.report else {
        return ObservedState::Is(RunState::Unknown(UnknownWhy::Engine("it was not asked".to_owned())));
    };
    let sign = evidence.sign();
    match (report, sign) {
        (_, NodeSign::Alive) => ObservedState::Is(record.alive.clone()),
        (EngineReport::Waits { .. }, NodeSign::Waits) => ObservedState::Is(RunState::Queued(WaitingFor::Engine)),
        (EngineReport::Runs { .. }, NodeSign::Waits) => ObservedState::Is(RunState::Starting),
        (EngineReport::Waits { .. }, NodeSign::Quiet) => silent(None),
        (EngineReport::Runs { node }, NodeSign::Quiet) => silent(node.clone()),
        (EngineReport::Over { end, .. }, NodeSign::Waits) => never_started(Some(format!("its engine reports: {end}"))),
        (EngineReport::Over { end, node }, NodeSign::Quiet) => {
            ended_by_engine(*end, node.clone(), record.stop_requested)
        }
        (EngineReport::NotKnown, NodeSign::Waits) => match phase {
            _ if evidence.submit_age < SUBMIT_PATIENCE => ObservedState::Is(RunState::Starting),
            SubmitPhase::Intended => ObservedState::SubmitAgain,
            SubmitPhase::Accepted { .. } => never_started(Some("its engine forgot it".to_owned())),
        },
        (EngineReport::NotKnown, NodeSign::Quiet) => over(EndState::Lost, EndReason::EngineForgot { node: None }),
        (EngineReport::NoAnswer(words), NodeSign::Waits | NodeSign::Quiet) => {
            ObservedState::Is(RunState::Unknown(UnknownWhy::Engine(words.clone())))
        }
    }
}

fn silent(node: Option<String>) -> ObservedState {
    ObservedState::Is(RunState::Unknown(UnknownWhy::SilentNode(node)))
}

fn ended_by_engine(end: JobEnd, node: Option<String>, stop_requested: bool) -> ObservedState {
    let state = match end {
        JobEnd::TimedOut => EndState::TimedOut,
        JobEnd::Cancelled if stop_requested => EndState::Stopped,
        _ => EndState::Lost,
    };
    over(state, EndReason::EngineEnded { end, node })
}

fn never_started(why: Option<String>) -> ObservedState {
    over(EndState::Lost, EndReason::NeverStarted(why))
}

/// The processes of the run are on a node, if anywhere: nothing is left to end here.
fn over(state: EndState, reason: EndReason) -> ObservedState {
    let end = InferredEnd { state, reason: Some(reason), exit: Exit::NOT_SEEN };
    ObservedState::Over { end, ends_tree: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPTED: SubmitPhase = SubmitPhase::Accepted { job: None };
    const ENDS: [JobEnd; 10] = [
        JobEnd::Completed,
        JobEnd::Failed,
        JobEnd::Cancelled,
        JobEnd::TimedOut,
        JobEnd::OutOfMemory,
        JobEnd::Preempted,
        JobEnd::NodeFailed,
        JobEnd::Deadline,
        JobEnd::BootFailed,
        JobEnd::Other,
    ];

    fn evidence(report: EngineReport, sign: NodeSign) -> EngineEvidence {
        let lease = Duration::from_secs(150);
        EngineEvidence {
            phase: Some(ACCEPTED),
            submit_age: Duration::from_secs(600),
            environment_waits: sign == NodeSign::Waits,
            quiet: if sign == NodeSign::Quiet { lease } else { lease - Duration::from_millis(1) },
            lease,
            report: Some(report),
        }
    }

    fn judged(report: EngineReport, sign: NodeSign) -> ObservedState {
        verdict(&evidence(report, sign), NodeRecord { alive: &RunState::Running, stop_requested: false })
    }

    fn is(state: RunState) -> ObservedState {
        ObservedState::Is(state)
    }

    fn node() -> Option<String> {
        Some("n1".to_owned())
    }

    fn waits() -> EngineReport {
        EngineReport::Waits { reason: "Priority".to_owned(), is_stuck: false }
    }

    #[test]
    fn a_waiting_job_is_queued_unless_a_node_has_it() {
        assert_eq!(judged(waits(), NodeSign::Waits), is(RunState::Queued(WaitingFor::Engine)));
        assert_eq!(judged(waits(), NodeSign::Alive), is(RunState::Running));
        assert_eq!(judged(waits(), NodeSign::Quiet), silent(None));
    }

    #[test]
    fn a_running_job_is_judged_by_its_node() {
        let runs = || EngineReport::Runs { node: node() };
        assert_eq!(judged(runs(), NodeSign::Waits), is(RunState::Starting));
        assert_eq!(judged(runs(), NodeSign::Alive), is(RunState::Running));
        assert_eq!(judged(runs(), NodeSign::Quiet), silent(node()));
    }

    #[test]
    fn a_job_that_is_over_without_an_end_is_never_a_success() {
        for end in ENDS {
            let report = || EngineReport::Over { end, node: node() };
            assert_eq!(judged(report(), NodeSign::Waits), never_started(Some(format!("its engine reports: {end}"))));
            assert_eq!(judged(report(), NodeSign::Alive), is(RunState::Running), "the engine's report is not enough");
            let ObservedState::Over { end: inferred, ends_tree: false } = judged(report(), NodeSign::Quiet) else {
                panic!("{end} is not over")
            };
            let wanted = if end == JobEnd::TimedOut { EndState::TimedOut } else { EndState::Lost };
            assert_eq!((inferred.state, inferred.exit), (wanted, Exit::NOT_SEEN));
            assert_eq!(inferred.reason, Some(EndReason::EngineEnded { end, node: node() }));
        }
    }

    #[test]
    fn a_cancelled_job_is_stopped_if_a_stop_was_requested() {
        let report = EngineReport::Over { end: JobEnd::Cancelled, node: None };
        let record = NodeRecord { alive: &RunState::Stopping, stop_requested: true };
        let ObservedState::Over { end, .. } = verdict(&evidence(report, NodeSign::Quiet), record) else {
            panic!("not over")
        };
        assert_eq!(end.state, EndState::Stopped);
    }

    #[test]
    fn a_forgotten_job_is_lost_and_an_intended_one_is_submitted_again() {
        let forgotten = never_started(Some("its engine forgot it".to_owned()));
        assert_eq!(judged(EngineReport::NotKnown, NodeSign::Waits), forgotten);
        assert_eq!(judged(EngineReport::NotKnown, NodeSign::Alive), is(RunState::Running));
        let lost = over(EndState::Lost, EndReason::EngineForgot { node: None });
        assert_eq!(judged(EngineReport::NotKnown, NodeSign::Quiet), lost);
        let record = NodeRecord { alive: &RunState::Starting, stop_requested: false };
        let aged = |phase, seconds| EngineEvidence {
            phase: Some(phase),
            submit_age: Duration::from_secs(seconds),
            ..evidence(EngineReport::NotKnown, NodeSign::Waits)
        };
        assert_eq!(verdict(&aged(SubmitPhase::Intended, 11), record), is(RunState::Starting));
        assert_eq!(verdict(&aged(SubmitPhase::Intended, 12), record), ObservedState::SubmitAgain);
        // The engine's answer may be from before the submission.
        assert_eq!(verdict(&aged(ACCEPTED, 11), record), is(RunState::Starting));
        assert_eq!(verdict(&aged(ACCEPTED, 12), record), never_started(Some("its engine forgot it".to_owned())));
    }

    #[test]
    fn no_answer_is_unknown_unless_the_node_shows_life() {
        let no_answer = || EngineReport::NoAnswer("no".to_owned());
        let unknown = is(RunState::Unknown(UnknownWhy::Engine("no".to_owned())));
        assert_eq!(judged(no_answer(), NodeSign::Waits), unknown);
        assert_eq!(judged(no_answer(), NodeSign::Alive), is(RunState::Running));
        assert_eq!(judged(no_answer(), NodeSign::Quiet), unknown);
    }

    #[test]
    fn a_run_that_no_engine_was_asked_for_never_started() {
        let record = NodeRecord { alive: &RunState::Starting, stop_requested: false };
        let unasked = EngineEvidence { phase: None, report: None, ..evidence(EngineReport::NotKnown, NodeSign::Waits) };
        assert_eq!(verdict(&unasked, record), never_started(None));
    }
}
