//! The `jsonl` protocol: a user's own agent whose last line is its report, a JSON object with `result`, `error`,
//! `costUsd` and `sessionId`, any of which may be missing.
//!
//! `result` is the answer; a non-empty `error` is a failure with that reason. Where the last line that is not blank is
//! no such object, the exit code alone decides; where it is too long to be read, the reason says so.

mod events;

use std::io;

use serde_json::Value;

use crate::agents::lines_back::lines_back;
use crate::agents::protocol::{AgentProtocol, Capabilities, EventRenderer, SeekableLog};
use crate::agents::report::{AgentReport, ReportedOutcome};
use crate::agents::session_id::is_session_id;
use crate::agents::shorten::shorten;
use crate::model::usage::Usage;

const KEYS: [&str; 4] = ["result", "error", "costUsd", "sessionId"];
const REASON_CHARS: usize = 200;

#[derive(Debug)]
pub(in crate::agents) struct Jsonl;

impl AgentProtocol for Jsonl {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { reports: true, ..Capabilities::default() }
    }

    fn read_report(&self, log: &mut dyn SeekableLog) -> io::Result<AgentReport> {
        let mut report = AgentReport::not_due();
        lines_back(log, |line| {
            match line {
                Some(line) if line.trim_ascii().is_empty() => return true,
                Some(line) => {
                    let read = serde_json::from_slice(line).ok().as_ref().and_then(report_of);
                    report = read.unwrap_or_else(AgentReport::not_due);
                }
                None => report.too_long = true,
            }
            false
        })?;
        Ok(report)
    }

    fn renderer(&self) -> Option<Box<dyn EventRenderer>> {
        Some(Box::new(events::Events))
    }
}

/// `None` where `line` is not an object with one of the keys.
fn report_of(line: &Value) -> Option<AgentReport> {
    let object = line.as_object().filter(|object| KEYS.iter().any(|key| object.contains_key(*key)))?;
    let error = object.get("error").and_then(text_of).filter(|error| !error.trim().is_empty());
    let usage = Usage {
        cost_usd: object.get("costUsd").and_then(Value::as_f64).filter(|cost| *cost >= 0.0),
        session_id: object.get("sessionId").and_then(text_of).filter(|id| is_session_id(id)),
        ..Usage::default()
    };
    let answer = object.get("result").and_then(text_of).filter(|_| error.is_none());
    let outcome = match error {
        Some(error) => {
            let reason = Some(shorten(&error, REASON_CHARS)).filter(|reason| !reason.is_empty());
            let reason = reason.unwrap_or_else(|| "the agent reported an error".to_owned());
            ReportedOutcome::Failed { reason, is_own_limit: false }
        }
        None => ReportedOutcome::Succeeded,
    };
    Some(AgentReport { outcome, usage, answer, ..AgentReport::default() })
}

/// A string unchanged; any other value but `null` and `false` as JSON.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::agents::LineRenderer;
    use crate::agents::lines_back::LINE_MAX;
    use crate::model::protocol::Protocol;

    fn report(log: &str) -> AgentReport {
        Jsonl.read_report(&mut Cursor::new(log)).unwrap()
    }

    fn failure(log: &str) -> Option<String> {
        report(log).outcome.failure().map(str::to_owned)
    }

    #[test]
    fn the_last_line_is_the_report() {
        let log =
            "{\"error\":\"earlier\"}\nnoise\n{\"result\":\"done\",\"costUsd\":0.5,\"sessionId\":\"S-1\"}\r\n\n  \n";
        let usage = Usage { cost_usd: Some(0.5), session_id: Some("S-1".to_owned()), ..Usage::default() };
        let answer = Some("done".to_owned());
        let wanted = AgentReport { outcome: ReportedOutcome::Succeeded, usage, answer, ..AgentReport::default() };
        assert_eq!(report(log), wanted);
        assert!(wanted.has_answered());
    }

    #[test]
    fn each_key_may_be_missing_or_strange() {
        for fine in [r#"{"costUsd":1}"#, r#"{"result":"x","error":""}"#, r#"{"error":null}"#, r#"{"error":false}"#] {
            assert_eq!(report(fine).outcome, ReportedOutcome::Succeeded, "{fine}");
        }
        let odd = report(r#"{"result":{"a":1},"costUsd":-2,"sessionId":"--resume"}"#);
        assert_eq!((odd.answer.as_deref(), odd.usage), (Some(r#"{"a":1}"#), Usage::default()));
        assert_eq!(report(r#"{"costUsd":"1","sessionId":7}"#).usage.cost_usd, None);
    }

    #[test]
    fn an_error_is_the_reason_in_one_safe_line() {
        assert_eq!(failure("{\"error\":\"\\n\\u001b[2Jno branch\\nmore\"}").unwrap(), "no branch");
        assert_eq!(failure(r#"{"error":{"code":5}}"#).unwrap(), r#"{"code":5}"#);
        assert_eq!(failure("{\"error\":\"\\u001b[2J\"}").unwrap(), "the agent reported an error");
        let both = report(r#"{"error":"broke","result":"half","costUsd":2}"#);
        assert_eq!((both.answer, both.usage.cost_usd), (None, Some(2.0)));
    }

    #[test]
    fn anything_else_is_text() {
        let after = "{\"result\":\"x\"}\nbye\n";
        for text in ["", "\n\n", "plain", "{\"result\":", "[1]", "5", "{}", r#"{"level":"info"}"#, after] {
            assert_eq!(report(text), AgentReport::not_due(), "{text}");
        }
    }

    #[test]
    fn a_report_that_is_too_long_hides_no_earlier_line() {
        let long = "x".repeat(LINE_MAX);
        let log = format!("{{\"error\":\"earlier\"}}\n{{\"result\":\"{long}\"}}\n\n");
        assert_eq!(report(&log), AgentReport { too_long: true, ..AgentReport::not_due() });
    }

    #[test]
    fn a_report_reads_as_lines() {
        let shown = |log: &str| {
            let mut renderer = LineRenderer::for_protocol(Protocol::Jsonl).unwrap();
            let mut out = Vec::new();
            renderer.feed(log.as_bytes(), &mut out);
            renderer.finish(&mut out);
            String::from_utf8(out).unwrap()
        };
        let log = "working\n{\"level\":\"info\"}\n{\"result\":\"a\\nb\",\"costUsd\":0.25}\n";
        let wanted = "working\n{\"level\":\"info\"}\nresult     a\n           b\ndone       success  $0.25\n";
        assert_eq!(shown(log), wanted);
        assert_eq!(shown("{\"error\":\"broke\"}"), "done       failed: broke\n");
    }
}
