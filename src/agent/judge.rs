//! Exit and report → how a run ended. `expect` and limits are judged elsewhere.

use crate::agent::report::{AgentReport, Decision, ReportedOutcome};
use crate::agent::shorten::shorten;
use crate::agent::signals::signal_name;
use crate::model::answer_record::OutcomeSource;
use crate::model::run_state::EndState;

/// How many tools are named.
const TOOLS: usize = 3;
const TOOL_CHARS: usize = 40;

/// How a process ended. Neither field: not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
}

/// How a run ended, and why in a few words where it did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub state: EndState,
    pub reason: Option<String>,
    /// What decided; of a lost end nothing did.
    pub source: Option<OutcomeSource>,
}

/// The reason of a run that counts by its answer alone, or how such a reason ends.
pub const DID_NOT_EXIT: &str = "did not exit by itself";

/// Judges a headless run. A run in a window is judged with [`AgentReport::not_due`], by its exit alone: its
/// output is a screen and holds no report.
///
/// An agent whose report is due succeeds only with exit 0 *and* a report of success: agents exit with 0
/// when they are interrupted, and when they stop halfway.
pub fn judge(exit: Exit, report: &AgentReport) -> Verdict {
    let failed =
        |source, reason: String| Verdict { state: EndState::Failed, reason: Some(reason), source: Some(source) };
    let (by_exit, by_result) = (OutcomeSource::Exit, OutcomeSource::Result);
    let code = match exit {
        Exit { signal: Some(signal), .. } => return failed(by_exit, format!("signal {}", with_name(signal, signal))),
        Exit { code: Some(code), .. } => code,
        Exit { code: None, signal: None } => {
            return Verdict { state: EndState::Lost, reason: Some("nobody saw its exit".to_owned()), source: None };
        }
    };
    let reported = match &report.outcome {
        ReportedOutcome::Failed { reason, .. } => Some(reason.clone()),
        ReportedOutcome::Succeeded => report.unfinished.then(|| "ended within a turn".to_owned()),
        ReportedOutcome::Missing => (code == 0).then(|| "no result event".to_owned()),
        ReportedOutcome::NotDue => None,
    };
    match reported {
        Some(reason) => failed(by_result, reason),
        None if code == 0 => Verdict {
            state: EndState::Succeeded,
            reason: needed_decisions(&report.decisions),
            source: Some(if report.outcome.is_reported() { by_result } else { by_exit }),
        },
        None => failed(by_exit, format!("exit code {}", with_name(code, code - 128))),
    }
}

/// Judges a headless run whose agent had ended its last turn and was then ended, since it did not
/// exit: by its answer alone. `None` where there is no answer.
pub fn judge_answer(report: &AgentReport) -> Option<Verdict> {
    if !report.has_answered() {
        return None;
    }
    let failure = report.outcome.failure().map(str::to_owned);
    let state = if failure.is_some() { EndState::Failed } else { EndState::Succeeded };
    let before = failure.or_else(|| needed_decisions(&report.decisions));
    let reason = before.map_or_else(|| DID_NOT_EXIT.to_owned(), |before| format!("{before}; {DID_NOT_EXIT}"));
    Some(Verdict { state, reason: Some(reason), source: Some(OutcomeSource::Result) })
}

/// `needs a decision: permission (Bash), question`, each once. The agent continued without, and calls
/// that a success.
fn needed_decisions(decisions: &[Decision]) -> Option<String> {
    let (mut tools, mut others) = (Vec::new(), Vec::new());
    for decision in decisions {
        let (list, text) = match decision {
            Decision::Permission(tool) => (&mut tools, shorten(tool, TOOL_CHARS)),
            other => (&mut others, other.to_string()),
        };
        if !list.contains(&text) {
            list.push(text);
        }
    }
    let more = tools.len().saturating_sub(TOOLS);
    tools.truncate(TOOLS);
    if more > 0 {
        tools.push(format!("{more} more"));
    }
    let permission = (!tools.is_empty()).then(|| Decision::Permission(tools.join(", ")).to_string());
    let all: Vec<String> = permission.into_iter().chain(others).collect();
    (!all.is_empty()).then(|| format!("needs a decision: {}", all.join(", ")))
}

/// `143 (SIGTERM)`: shells and agents report a signal that way.
fn with_name(number: i32, signal: i32) -> String {
    match signal_name(signal) {
        Some(name) => format!("{number} ({name})"),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decision_is_named_once() {
        let of = |tools: &[&str]| {
            let permissions = tools.iter().map(|tool| Decision::Permission((*tool).to_owned()));
            needed_decisions(&[Decision::PlanApproval].into_iter().chain(permissions).collect::<Vec<_>>())
        };
        assert_eq!(needed_decisions(&[]), None);
        assert_eq!(needed_decisions(&[Decision::Question, Decision::Question]).unwrap(), "needs a decision: question");
        assert_eq!(of(&["Bash", "Bash"]).unwrap(), "needs a decision: permission (Bash), approval of its plan");
        assert_eq!(
            of(&["A", "B", "C", "D", "E"]).unwrap(),
            "needs a decision: permission (A, B, C, 2 more), approval of its plan"
        );
        assert!(!of(&["\x1b[2Jx"]).unwrap().contains('\x1b'));
    }
}
