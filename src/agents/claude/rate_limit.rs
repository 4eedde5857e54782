//! Reads the rate limit that ended a `claude`.
//!
//! Three events show it: the last `result` by its HTTP status, a `rate_limit_event` with the time at which the limit
//! ends, and an `api_retry` with the pause that the agent itself had planned.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use memchr::memmem;
use serde_json::Value;

use crate::agents::claude::turn_event::events_of_line;
use crate::agents::lines_back::lines_back;
use crate::agents::protocol::{RateLimit, SeekableLog};

/// HTTP statuses: too many requests, and an overloaded server.
const STATUSES: [u64; 2] = [429, 529];
const TYPES: [&str; 2] = ["rate_limit_error", "overloaded_error"];
/// Only lines with one of these are parsed.
const TELLING: [&[u8]; 4] = [b"\"result\"", b"\"rate_limit_event\"", b"\"api_retry\"", b"\"assistant\""];

pub(super) fn read(log: &mut dyn SeekableLog) -> io::Result<Option<RateLimit>> {
    let mut seen = LimitReading::default();
    lines_back(log, |line| {
        let Some(line) = line else { return true };
        if !TELLING.iter().any(|word| memmem::find(line, word).is_some()) {
            return true;
        }
        events_of_line(line).iter().rev().all(|event| seen.take(event))
    })?;
    Ok(seen.limited.then_some(seen.limit))
}

#[derive(Default)]
struct LimitReading {
    limited: bool,
    has_result: bool,
    has_retry: bool,
    limit: RateLimit,
}

impl LimitReading {
    /// Takes one event, from the last to the first. False when no earlier one can matter.
    fn take(&mut self, event: &Value) -> bool {
        let is = |key: &str, text: &str| event.get(key).and_then(Value::as_str) == Some(text);
        if is("type", "result") {
            if !self.has_result {
                self.has_result = true;
                self.limited =
                    is_limit(event.get("api_error_status")) || TYPES.iter().any(|kind| is("api_error_type", kind));
            }
            return true;
        }
        if is("type", "rate_limit_event") {
            let info = event.get("rate_limit_info").unwrap_or(event);
            if info.get("status").and_then(Value::as_str) == Some("rejected") {
                self.limited = true;
                self.limit.resets_at = info.get("resetsAt").and_then(moment);
            }
            // Earlier events hold an older state.
            return false;
        }
        if is("subtype", "api_retry") && is("type", "system") {
            // An agent that died during its pause wrote no result.
            if !self.has_retry && is_limit(event.get("error_status")) && (self.limited || !self.has_result) {
                self.limited = true;
                let delay = event.get("retry_delay_ms").and_then(Value::as_f64);
                self.limit.retry_after = delay.and_then(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok());
            }
            self.has_retry = true;
            return true;
        }
        // A message of the model itself: any earlier limit has ended.
        let model = event.get("message").and_then(|message| message.get("model")).and_then(Value::as_str);
        !(is("type", "assistant") && model.is_some_and(|model| model != "<synthetic>"))
    }
}

fn is_limit(status: Option<&Value>) -> bool {
    status.and_then(Value::as_u64).is_some_and(|status| STATUSES.contains(&status))
}

/// Seconds since 1970, or milliseconds where as seconds the number would be thousands of years away.
fn moment(value: &Value) -> Option<Timestamp> {
    let number = value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        // Seconds within the range of a `Timestamp` are exact in an `f64`.
        (number.abs() < 1e15).then_some(number as i64)
    })?;
    if number < 100_000_000_000 {
        Timestamp::from_second(number).ok()
    } else {
        Timestamp::from_millisecond(number).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn limit(log: &str) -> Option<RateLimit> {
        read(&mut Cursor::new(log)).unwrap()
    }

    const INIT: &str = r#"{"type":"system","subtype":"init","session_id":"S"}"#;
    const WORDS: &str = r#"{"type":"assistant","message":{"model":"claude-x","content":[]}}"#;
    const RETRY: &str = r#"{"type":"system","subtype":"api_retry","attempt":3,"retry_delay_ms":12500.5,"error_status":429,"error":"rate_limit"}"#;

    fn result(status: &str) -> String {
        format!(r#"{{"type":"result","subtype":"success","is_error":true,"api_error_status":{status}}}"#)
    }

    #[test]
    fn real_output_tells_a_limit_from_other_errors() {
        assert_eq!(limit(include_str!("samples/err429-json.jsonl")), Some(RateLimit::default()));
        let overloaded = limit(include_str!("samples/err529-stream.jsonl")).unwrap();
        assert_eq!(overloaded.retry_after, Some(Duration::from_millis(1167)), "the last of two");
        for other in [
            include_str!("samples/err400-json.jsonl"),
            include_str!("samples/err500-once-stream.jsonl"),
            include_str!("samples/maxturns-stream.jsonl"),
            include_str!("samples/sigterm-in-tool.jsonl"),
            include_str!("samples/stream-ok.jsonl"),
            "",
        ] {
            assert_eq!(limit(other), None);
        }
    }

    #[test]
    fn the_reset_time_is_the_last_events() {
        let event = |status: &str, at: &str| {
            format!(r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"{status}","resetsAt":{at}}}}}"#)
        };
        let (old, new) = (event("rejected", "1700000000"), event("rejected", "1800000000"));
        let at = |log: &str| limit(log).and_then(|limit| limit.resets_at).map(Timestamp::as_second);
        assert_eq!(at(&format!("{INIT}\n{old}\n{new}\n{}\n", result("429"))), Some(1_800_000_000));
        assert_eq!(at(&event("rejected", "1800000000123")), Some(1_800_000_000));
        assert_eq!(at(&event("rejected", "1800000000.5")), Some(1_800_000_000));
        assert_eq!(limit(&event("rejected", "\"soon\"")), Some(RateLimit::default()));
        assert_eq!(limit(&format!("{old}\n{}\n", event("allowed_warning", "1800000000"))), None);
        assert_eq!(limit(&format!("{new}\n{WORDS}\n")), None, "it went on after that");
    }

    #[test]
    fn an_agent_that_died_while_it_waited_was_limited() {
        let after = Some(Duration::from_micros(12_500_500));
        assert_eq!(limit(&format!("{INIT}\n{RETRY}\n")).unwrap().retry_after, after);
        assert_eq!(limit(&format!("{RETRY}\n{}\n", result("429"))).unwrap().retry_after, after);
        assert_eq!(limit(&format!("{RETRY}\n{WORDS}\n")), None);
        assert_eq!(limit(&format!("{RETRY}\n{}\n", result("400"))), None);
        assert_eq!(limit(&format!("[{INIT},{RETRY},{}]\n", result("529"))).unwrap().retry_after, after);
    }
}
