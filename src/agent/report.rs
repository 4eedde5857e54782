//! What a finished agent's output says of its run.

use std::io::{self, Read, Seek};

use memchr::memmem;
use serde_json::Value;

use crate::agent::claude_result::{ResultEvent, denials, session_id, usage};
use crate::agent::lines_back::lines_back;
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
    pub usage: Usage,
}

/// Reads the report from the end of `log`: its size does not matter where there is a result.
pub fn read_report<R: Read + Seek>(protocol: Protocol, log: R) -> io::Result<FinalReport> {
    let mut report = FinalReport::default();
    if protocol == Protocol::Text {
        return Ok(report);
    }
    lines_back(log, |line| events_of(line).iter().rev().all(|event| report.take(event)))?;
    report.unfinished &= report.result.is_some();
    Ok(report)
}

/// The agent's final answer for `save_to`. `None` where there is none, and for text agents,
/// whose answer is the log itself.
pub fn final_answer<R: Read + Seek>(protocol: Protocol, log: R) -> io::Result<Option<Vec<u8>>> {
    if protocol == Protocol::Text {
        return Ok(None);
    }
    let report = read_report(protocol, log)?;
    let answer = report.result.filter(|result| !result.is_error && !report.unfinished).and_then(|result| result.text);
    Ok(answer.map(String::into_bytes))
}

impl FinalReport {
    /// Takes one event, from the last to the first. False when no earlier one can matter.
    fn take(&mut self, event: &Value) -> bool {
        match (ResultEvent::read(event), &self.result) {
            (Some(result), None) => {
                let session = self.usage.session_id.take();
                self.usage = usage(event);
                self.usage.session_id = self.usage.session_id.take().or(session);
                // Costs are sums over the process; refusals may be told with each turn.
                let more = result.index > 0;
                self.result = Some(result);
                more
            }
            (Some(earlier), Some(_)) => {
                let mut all = denials(event);
                all.retain(|denial| !self.usage.denials.contains(denial));
                self.usage.denials.splice(0..0, all);
                self.usage.denials.truncate(DENIALS_MAX);
                earlier.index > 0
            }
            (None, None) if is_init(event) => {
                self.unfinished = true;
                let known = self.usage.session_id.take();
                self.usage.session_id = known.or_else(|| session_id(event));
                true
            }
            (None, _) => true,
        }
    }
}

/// Parses only lines that can matter; a log may hold millions of others. With
/// `--output-format json --verbose` one line holds all events.
fn events_of(line: &[u8]) -> Vec<Value> {
    let may_matter = memmem::find(line, b"\"result\"").is_some() || memmem::find(line, b"\"init\"").is_some();
    match may_matter.then(|| serde_json::from_slice(line)) {
        Some(Ok(Value::Array(events))) => events,
        Some(Ok(event)) => vec![event],
        _ => Vec::new(),
    }
}

fn is_init(event: &Value) -> bool {
    let is = |key: &str, text: &str| event.get(key).and_then(Value::as_str) == Some(text);
    is("type", "system") && is("subtype", "init")
}
