//! What a finished agent's output says of its run.

use std::io::{self, Read, Seek};

use memchr::memmem;
use serde_json::Value;

use crate::agent::claude_result::{ResultEvent, denials, session_id, usage};
use crate::agent::lines_back::lines_back;
use crate::agent::turn_event::{TurnEvent, events_of_line};
use crate::model::protocol::Protocol;
use crate::model::usage::Usage;

/// More refusals than this add nothing to a record.
const DENIALS_MAX: usize = 100;

/// The end of the agent's output, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinalReport {
    /// The last one: a run may end several turns, and earlier ones decide nothing.
    pub result: Option<ResultEvent>,
    /// Another turn began after the last result, and has none.
    pub unfinished: bool,
    /// The agent said that its account does not let it in: it has no login or a wrong key.
    pub not_authenticated: bool,
    pub usage: Usage,
}

/// How `claude` says that: the kind of error of its last message, or the status of its request.
const NOT_AUTHENTICATED: &str = "authentication_failed";
const UNAUTHORIZED: u16 = 401;

/// Reads the report from the end of `log`: its size does not matter where there is a result.
pub fn read_report<R: Read + Seek>(protocol: Protocol, log: R) -> io::Result<FinalReport> {
    let mut reading = Reading::default();
    if protocol == Protocol::Text {
        return Ok(reading.report);
    }
    lines_back(log, |line| {
        !reading.may_need(line) || events_of_line(line).iter().rev().all(|event| reading.take(event))
    })?;
    let mut report = reading.report;
    report.unfinished &= report.result.is_some();
    Ok(report)
}

impl FinalReport {
    /// Whether the agent's last turn has ended, in success or in error.
    pub fn has_answered(&self) -> bool {
        self.result.is_some() && !self.unfinished
    }
}

/// What is known so far, from the last event to the first.
#[derive(Default)]
struct Reading {
    report: FinalReport,
    /// The message before an error, which says what kind of error it was, is still to come.
    error_awaited: bool,
}

impl Reading {
    /// Only lines that can matter are parsed: a log may hold millions of others.
    fn may_need(&self, line: &[u8]) -> bool {
        let holds = |word: &str| memmem::find(line, word.as_bytes()).is_some();
        let message = || holds("\"assistant\"") || holds("\"user\"");
        match &self.report.result {
            Some(_) => holds("\"result\"") || self.error_awaited && message(),
            None => holds("\"result\"") || holds("\"init\"") || !self.report.unfinished && message(),
        }
    }

    /// Takes one event. False when no earlier one can matter.
    fn take(&mut self, event: &Value) -> bool {
        let turn = TurnEvent::of(event);
        let report = &mut self.report;
        match (ResultEvent::read(event), &report.result) {
            (Some(result), None) => {
                let session = report.usage.session_id.take();
                report.usage = usage(event);
                report.usage.session_id = report.usage.session_id.take().or(session);
                report.not_authenticated = result.api_error_status == Some(UNAUTHORIZED);
                self.error_awaited = result.is_error && !report.unfinished;
                // Costs are sums over the process; refusals may be told with each turn.
                let more = result.index > 0 || self.error_awaited;
                report.result = Some(result);
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
}
