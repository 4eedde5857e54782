//! Reads the report of a `claude` from its stream-json output, from the last line back. Lines that cannot matter must
//! not be parsed, since a log may hold millions.

use std::io;

use memchr::memmem;
use serde_json::Value;

use crate::agents::claude::answer::AnswerReading;
use crate::agents::claude::hook::decision_for;
use crate::agents::claude::result::{ResultEvent, denials, session_id, usage};
use crate::agents::claude::turn_event::{TurnEvent, events_of_line};
use crate::agents::lines_back::lines_back;
use crate::agents::protocol::SeekableLog;
use crate::agents::report::{AgentReport, ReportedOutcome};

/// Most refusals that a record keeps.
const DENIALS_MAX: usize = 100;
/// How `claude` reports a missing login: the kind of error of its last message, or the HTTP status of its request.
const NOT_AUTHENTICATED: &str = "authentication_failed";
const UNAUTHORIZED: u16 = 401;

/// Reads no further back than necessary: where there is a result, the size of `log` does not matter.
pub(super) fn read(log: &mut dyn SeekableLog) -> io::Result<AgentReport> {
    let mut reading = Reading::default();
    lines_back(log, |line| {
        let Some(line) = line else { return true };
        !reading.may_need(line) || events_of_line(line).iter().rev().all(|event| reading.take(event))
    })?;
    Ok(reading.finish())
}

/// The state while events are read from the last to the first.
#[derive(Default)]
struct Reading {
    /// All but the answer and the decisions.
    report: AgentReport,
    /// The last one: a run may end several turns, and earlier results decide nothing.
    result: Option<ResultEvent>,
    /// The message before an error, which holds the kind of error, is still to be read.
    error_awaited: bool,
    is_report_complete: bool,
    answer: AnswerReading,
    is_answer_complete: bool,
}

impl Reading {
    /// Whether a line can matter, by the words in it.
    fn may_need(&self, line: &[u8]) -> bool {
        let holds = |word: &str| memmem::find(line, word.as_bytes()).is_some();
        let message = || holds("\"assistant\"") || holds("\"user\"");
        let for_report = || match &self.result {
            Some(_) => holds("\"result\"") || self.error_awaited && message(),
            None => holds("\"result\"") || holds("\"init\"") || !self.report.unfinished && message(),
        };
        let for_answer = || holds("\"result\"") || holds("\"init\"") || message();
        !self.is_report_complete && for_report() || !self.is_answer_complete && for_answer()
    }

    /// Takes one event. False when no earlier one can matter.
    fn take(&mut self, event: &Value) -> bool {
        let turn = TurnEvent::of(event);
        if let Some(turn) = turn
            && !self.is_answer_complete
        {
            self.is_answer_complete = !self.answer.take(turn, event);
        }
        if !self.is_report_complete {
            self.is_report_complete = !self.take_for_report(turn, event);
        }
        !self.is_report_complete || !self.is_answer_complete
    }

    /// False when no earlier event can matter for anything but the answer.
    fn take_for_report(&mut self, turn: Option<TurnEvent>, event: &Value) -> bool {
        let report = &mut self.report;
        match (ResultEvent::read(event), &self.result) {
            (Some(result), None) => {
                let session = report.usage.session_id.take();
                report.usage = usage(event);
                report.usage.session_id = report.usage.session_id.take().or(session);
                report.not_authenticated = result.api_error_status == Some(UNAUTHORIZED);
                self.error_awaited = result.is_error && !report.unfinished;
                // Costs are sums over the process; refusals may be spread over its turns.
                let more = result.index > 0 || self.error_awaited;
                self.result = Some(result);
                more
            }
            (Some(earlier), Some(_)) => {
                self.error_awaited = false;
                let mut all = denials(event);
                all.retain(|denial| !report.usage.denials.contains(denial));
                report.usage.denials.splice(0..0, all);
                report.usage.denials.truncate(DENIALS_MAX);
                earlier.index > 0
            }
            (None, Some(last)) => {
                if self.error_awaited && turn.is_some() {
                    self.error_awaited = false;
                    let error = event.get("error").and_then(Value::as_str);
                    report.not_authenticated |= error == Some(NOT_AUTHENTICATED);
                }
                last.index > 0 || self.error_awaited
            }
            (None, None) => {
                report.unfinished |= turn.is_some();
                if turn == Some(TurnEvent::Init) {
                    let known = report.usage.session_id.take();
                    report.usage.session_id = known.or_else(|| session_id(event));
                }
                true
            }
        }
    }

    fn finish(self) -> AgentReport {
        let mut report = self.report;
        report.answer = self.answer.finish();
        report.decisions = report.usage.denials.iter().map(|denial| decision_for(&denial.tool)).collect();
        match self.result {
            Some(result) => {
                report.turns = result.num_turns;
                report.outcome = match result.failure() {
                    Some(reason) => ReportedOutcome::Failed { reason, is_own_limit: result.is_own_limit() },
                    None => ReportedOutcome::Succeeded,
                };
            }
            None => report.unfinished = false,
        }
        report
    }
}
