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
    lines_back(log, |line| {
        let Some(event) = event_of(line) else {
            return true;
        };
        match (ResultEvent::read(&event), &report.result) {
            (Some(result), None) => {
                let session = report.usage.session_id.take();
                report.usage = usage(&event);
                report.usage.session_id = report.usage.session_id.take().or(session);
                // Costs are sums over the process; refusals may be told with each turn.
                let more = result.index > 0;
                report.result = Some(result);
                more
            }
            (Some(earlier), Some(_)) => {
                let mut all = denials(&event);
                all.retain(|denial| !report.usage.denials.contains(denial));
                report.usage.denials.splice(0..0, all);
                report.usage.denials.truncate(DENIALS_MAX);
                earlier.index > 0
            }
            (None, None) if is_init(&event) => {
                report.unfinished = true;
                let known = report.usage.session_id.take();
                report.usage.session_id = known.or_else(|| session_id(&event));
                true
            }
            (None, _) => true,
        }
    })?;
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

/// Parses only lines that can matter; a log may hold millions of others.
fn event_of(line: &[u8]) -> Option<Value> {
    let may_matter = memmem::find(line, b"\"result\"").is_some() || memmem::find(line, b"\"init\"").is_some();
    if !may_matter {
        return None;
    }
    serde_json::from_slice(line).ok()
}

fn is_init(event: &Value) -> bool {
    let is = |key: &str, text: &str| event.get(key).and_then(Value::as_str) == Some(text);
    is("type", "system") && is("subtype", "init")
}
