//! The message between two attempts: `attempt 1 failed (exit 3); trying again in 3 s`.

use crate::model::answer_record::OutcomeSource;
use crate::model::attempt_record::AttemptRecord;
use crate::model::retry::RetryOn;
use crate::model::run_state::EndState;
use crate::os::clock;

/// From this many milliseconds on, the message also names the time of day.
const LONG_WAIT_MS: u64 = 60_000;

/// `None`: no further attempt follows.
pub(crate) fn words(attempt: &AttemptRecord) -> Option<String> {
    let again_at = attempt.again_at?;
    let ended = if attempt.state == EndState::TimedOut { "timed out" } else { "failed" };
    let why = match (attempt.outcome_source, attempt.exit.code) {
        (Some(OutcomeSource::Exit), Some(code)) => Some(format!("exit {code}")),
        _ => attempt.reason.as_ref().map(ToString::to_string),
    };
    let why = why.map_or_else(String::new, |why| format!(" ({why})"));
    let wait_ms = clock::millis_between(attempt.ended_at, again_at);
    let at = if attempt.retried_for == Some(RetryOn::RateLimit) || wait_ms >= LONG_WAIT_MS {
        format!(", at {}", clock::local_moment(again_at, attempt.ended_at))
    } else {
        String::new()
    };
    Some(format!("attempt {} {ended}{why}; trying again in {}{at}", attempt.attempt, rough(wait_ms)))
}

/// A length of time in its largest unit: `450 ms`, `3 s`, `12 min`, `2 h`, `3 days`.
pub(crate) fn rough(ms: u64) -> String {
    let rounded = |unit: u64| (ms + unit / 2) / unit;
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{} s", rounded(1000)),
        60_000..7_200_000 => format!("{} min", rounded(60_000)),
        7_200_000..172_800_000 => format!("{} h", rounded(3_600_000)),
        _ => format!("{} days", rounded(86_400_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_one_unit() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (2_600, "3 s"),
            (720_000, "12 min"),
            (7_200_000, "2 h"),
            (259_200_000, "3 days"),
        ] {
            assert_eq!(rough(ms), text);
        }
    }

    #[test]
    fn a_failed_attempt_is_told_with_its_reason_and_the_wait() {
        let record = |rest: &str| -> AttemptRecord {
            let text = format!(
                r#"{{"attempt":1,"startedAt":"2026-01-01T00:00:00Z","endedAt":"2026-01-01T00:00:10Z",
                    "stdoutFrom":0,"stdoutTo":0,"stderrFrom":0,"stderrTo":0,{rest}}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let again = r#""againAt":"2026-01-01T00:00:13Z""#;
        let failed = format!(r#""state":"failed","exitCode":3,"reason":"exit code 3","outcomeSource":"exit",{again}"#);
        assert_eq!(words(&record(&failed)).unwrap(), "attempt 1 failed (exit 3); trying again in 3 s");
        let late = format!(r#""state":"timed_out","reason":"timeout of 5s",{again}"#);
        assert_eq!(words(&record(&late)).unwrap(), "attempt 1 timed out (timeout of 5s); trying again in 3 s");
        let limited = format!(
            r#""state":"failed","exitCode":1,"reason":"api error 429","outcomeSource":"result","retriedFor":"rate_limit",{again}"#
        );
        let said = words(&record(&limited)).unwrap();
        assert!(said.starts_with("attempt 1 failed (api error 429); trying again in 3 s, at "), "{said}");
        assert!(said.ends_with(":13"), "{said}");
        assert_eq!(words(&record(r#""state":"failed""#)), None);
    }
}
