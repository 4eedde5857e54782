//! Exit and report → how a run ended. `expect` and limits are judged elsewhere.

use crate::agent::claude_result::shorten;
use crate::agent::report::FinalReport;
use crate::agent::signals::signal_name;
use crate::model::answer_record::OutcomeSource;
use crate::model::protocol::Protocol;
use crate::model::run_state::EndState;
use crate::model::usage::Denial;

/// So many tools are named.
const TOOLS: usize = 3;
const TOOL_CHARS: usize = 40;

/// How a process ended. Neither field: nobody saw it.
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

/// Judges a headless run. An interactive one is judged as [`Protocol::Text`], by its exit alone:
/// its output is a screen and holds no report.
///
/// `claude` succeeds only with exit 0 *and* a last result without error: it exits with 0 when
/// interrupted, and when it stops halfway.
pub fn judge(protocol: Protocol, exit: Exit, report: &FinalReport) -> Verdict {
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
    let said = match protocol {
        Protocol::Text => None,
        Protocol::Claude => match &report.result {
            Some(result) => result.failure().or_else(|| report.unfinished.then(|| "ended within a turn".to_owned())),
            None if code == 0 => Some("no result event".to_owned()),
            None => None,
        },
    };
    match said {
        Some(reason) => failed(by_result, reason),
        None if code == 0 => Verdict {
            state: EndState::Succeeded,
            reason: decision(&report.usage.denials),
            source: Some(if report.result.is_some() { by_result } else { by_exit }),
        },
        None => failed(by_exit, format!("exit code {}", with_name(code, code - 128))),
    }
}

/// Judges a headless run whose agent had ended its last turn and was then ended, since it did not
/// exit: by its answer alone. `None` where there is no answer.
pub fn judge_answer(report: &FinalReport) -> Option<Verdict> {
    let result = report.result.as_ref().filter(|_| report.has_answered())?;
    let failure = result.failure();
    let state = if failure.is_some() { EndState::Failed } else { EndState::Succeeded };
    let before = failure.or_else(|| decision(&report.usage.denials));
    let reason = before.map_or_else(|| DID_NOT_EXIT.to_owned(), |before| format!("{before}; {DID_NOT_EXIT}"));
    Some(Verdict { state, reason: Some(reason), source: Some(OutcomeSource::Result) })
}

/// What a person would have had to decide: `needs a decision: permission (Bash), question`. The agent
/// went on without, and calls that a success.
fn decision(denials: &[Denial]) -> Option<String> {
    let mut tools: Vec<String> = Vec::new();
    let mut needs = Vec::new();
    for denial in denials {
        let need = match denial.tool.as_str() {
            "AskUserQuestion" => "question",
            "ExitPlanMode" => "approval of its plan",
            tool => {
                let tool = shorten(tool, TOOL_CHARS);
                if !tools.contains(&tool) {
                    tools.push(tool);
                }
                continue;
            }
        };
        if !needs.contains(&need) {
            needs.push(need);
        }
    }
    let more = tools.len().saturating_sub(TOOLS);
    tools.truncate(TOOLS);
    if more > 0 {
        tools.push(format!("{more} more"));
    }
    let permission = (!tools.is_empty()).then(|| format!("permission ({})", tools.join(", ")));
    let all: Vec<&str> = permission.iter().map(String::as_str).chain(needs).collect();
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
    fn what_a_person_would_have_decided_is_told_once_each() {
        let of = |tools: &[&str]| {
            let denials: Vec<Denial> =
                tools.iter().map(|tool| Denial { tool: (*tool).to_owned(), input: String::new() }).collect();
            decision(&denials)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["Bash", "Bash"]).unwrap(), "needs a decision: permission (Bash)");
        assert_eq!(of(&["AskUserQuestion"]).unwrap(), "needs a decision: question");
        assert_eq!(
            of(&["ExitPlanMode", "A", "B", "C", "D", "E"]).unwrap(),
            "needs a decision: permission (A, B, C, 2 more), approval of its plan"
        );
        assert!(!of(&["\x1b[2Jx"]).unwrap().contains('\x1b'));
    }
}
