//! Judges how a run ended from its exit and its report. `expect` and limits are judged in `supervisor::finish`.

use crate::agents::report::{AgentReport, ReportedOutcome};
use crate::agents::shorten::shorten;
use crate::model::answer_record::OutcomeSource;
use crate::model::end_reason::{Decision, EndReason};
use crate::model::exit::Exit;
use crate::model::run_state::EndState;

const TOOL_CHARS: usize = 40;

/// How a run ended, and why where it did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentVerdict {
    pub state: EndState,
    pub reason: Option<EndReason>,
    /// What decided; `None` for a lost end.
    pub source: Option<OutcomeSource>,
}

/// Judges a headless run. A run in a window is judged with [`AgentReport::not_due`], by its exit alone: its output is a
/// screen and holds no report.
///
/// An agent whose report is due succeeds only with exit 0 *and* a report of success: agents exit with 0 when they are
/// interrupted, and when they stop halfway.
pub fn judge(exit: Exit, report: &AgentReport) -> AgentVerdict {
    let failed = |source, reason| AgentVerdict { state: EndState::Failed, reason: Some(reason), source: Some(source) };
    let (by_exit, by_result) = (OutcomeSource::Exit, OutcomeSource::Result);
    let code = match exit {
        Exit { signal: Some(signal), .. } => return failed(by_exit, EndReason::Signal(signal)),
        Exit { code: Some(code), .. } => code,
        Exit::NOT_SEEN => {
            return AgentVerdict { state: EndState::Lost, reason: Some(EndReason::ExitNotSeen), source: None };
        }
    };
    let reported = match &report.outcome {
        ReportedOutcome::Failed { reason, .. } => Some(EndReason::AgentError(reason.clone())),
        ReportedOutcome::Succeeded => report.unfinished.then_some(EndReason::TurnUnfinished),
        ReportedOutcome::Missing => (code == 0).then_some(EndReason::NoResult),
        ReportedOutcome::NotDue => None,
    };
    let too_long = report.too_long.then_some(EndReason::ReportTooLong);
    match reported {
        Some(reason) => failed(by_result, reason),
        None if code == 0 => AgentVerdict {
            state: EndState::Succeeded,
            reason: too_long.or_else(|| needed_decisions(&report.decisions)),
            source: Some(if report.outcome.is_reported() { by_result } else { by_exit }),
        },
        None => failed(by_exit, too_long.into_iter().fold(EndReason::ExitCode(code), EndReason::and)),
    }
}

/// Judges a headless run whose agent had ended its last turn, did not exit and was ended: by its answer alone. `None`
/// where there is no answer.
pub fn judge_answer(report: &AgentReport) -> Option<AgentVerdict> {
    if !report.has_answered() {
        return None;
    }
    let failure = report.outcome.failure().map(|error| EndReason::AgentError(error.to_owned()));
    let state = if failure.is_some() { EndState::Failed } else { EndState::Succeeded };
    let before = failure.or_else(|| needed_decisions(&report.decisions));
    let reason = before.into_iter().chain([EndReason::DidNotExit]).reduce(EndReason::and);
    Some(AgentVerdict { state, reason, source: Some(OutcomeSource::Result) })
}

/// Decisions that a person would have had to make, each once. The agent continued without them and reported a success.
fn needed_decisions(decisions: &[Decision]) -> Option<EndReason> {
    let mut needed = Vec::new();
    for decision in decisions {
        let decision = match decision {
            Decision::Permission(tool) => Decision::Permission(shorten(tool, TOOL_CHARS)),
            other => other.clone(),
        };
        if !needed.contains(&decision) {
            needed.push(decision);
        }
    }
    (!needed.is_empty()).then_some(EndReason::NeedsDecision(needed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decision_is_named_once() {
        let of = |tools: &[&str]| {
            let permissions = tools.iter().map(|tool| Decision::Permission((*tool).to_owned()));
            let all: Vec<_> = [Decision::PlanApproval].into_iter().chain(permissions).collect();
            needed_decisions(&all).map(|reason| reason.to_string())
        };
        assert_eq!(needed_decisions(&[]), None);
        assert_eq!(
            needed_decisions(&[Decision::Question, Decision::Question]),
            Some(EndReason::NeedsDecision(vec![Decision::Question]))
        );
        assert_eq!(of(&["Bash", "Bash"]).unwrap(), "needs a decision: permission (Bash), approval of its plan");
        assert_eq!(
            of(&["A", "B", "C", "D", "E"]).unwrap(),
            "needs a decision: permission (A, B, C, 2 more), approval of its plan"
        );
        assert!(!of(&["\x1b[2Jx"]).unwrap().contains('\x1b'));
    }
}
