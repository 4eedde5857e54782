//! Parses the text of reasons, for records of earlier versions, which contain only `reason` and no `cause`.

use crate::model::bytes::Bytes;
use crate::model::end_reason::{EndReason, Startable};
use crate::model::interval::Interval;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::run_id::RunId;
use crate::model::run_state::EndState;

/// Reasons whose text is always the same.
const PLAIN: [EndReason; 23] = [
    EndReason::UnknownSignal,
    EndReason::ExitNotSeen,
    EndReason::NoResult,
    EndReason::TurnUnfinished,
    EndReason::DidNotExit,
    EndReason::Timeout(None),
    EndReason::LogLimit(None),
    EndReason::CpuLimit,
    EndReason::MemoryLimit,
    EndReason::BlankAnswer,
    EndReason::NoJob,
    EndReason::NoCgroup,
    EndReason::SetupFailed { error: None, log: None },
    EndReason::BeforeStart,
    EndReason::Rejected,
    EndReason::WindowClosed,
    EndReason::SupervisorUnresponsive,
    EndReason::NeverStarted(None),
    EndReason::EnvironmentGone,
    EndReason::Reboot,
    EndReason::SupervisorKilled,
    EndReason::TmuxEnded,
    EndReason::EndRecordDamaged,
];

impl EndReason {
    /// `Other` for unknown text.
    pub(super) fn from_text(text: &str) -> Self {
        if let Some(reason) = known(text) {
            return reason;
        }
        let other = |text: &str| Self::Other(text.to_owned());
        match text.split_once("; ") {
            Some((first, rest)) if let Some(first) = known(first) => first.and(Self::from_text(rest)),
            _ => other(text),
        }
    }
}

fn known(text: &str) -> Option<EndReason> {
    if let Some(plain) = PLAIN.into_iter().find(|plain| plain.to_string() == text) {
        return Some(plain);
    }
    let after = |start: &str| text.strip_prefix(start);
    let quoted = |start: &str, end: &str| after(start)?.strip_suffix(end);
    let number = |rest: &str| match rest.split_once(" (") {
        Some((number, name)) => number.parse().ok().filter(|_| name.ends_with(')')),
        None => rest.parse().ok(),
    };
    if text == "nobody saw its exit" {
        return Some(EndReason::ExitNotSeen);
    }
    if let Some(code) = after("exit code ").and_then(number) {
        return Some(EndReason::ExitCode(code));
    }
    if let Some(signal) = after("signal ").and_then(number) {
        return Some(EndReason::Signal(signal));
    }
    if let Some(limit) = after("timeout of ").and_then(Interval::parse) {
        return Some(EndReason::Timeout(Some(limit)));
    }
    if let Some(limit) = after("log limit of ").and_then(Bytes::parse) {
        return Some(EndReason::LogLimit(Some(limit)));
    }
    if let Some(path) = quoted("expected file `", "` is missing") {
        return Some(EndReason::MissingFile(path.into()));
    }
    if let Some(command) = after("expected command failed: ") {
        return Some(EndReason::CommandFailed(vec![command.to_owned()]));
    }
    if let Some((path, error)) = after("cannot save to `").and_then(|rest| rest.split_once("`: ")) {
        return Some(EndReason::NotSaved { path: path.into(), error: error.to_owned() });
    }
    if let Some(error) = after("its answer cannot be read: ") {
        return Some(EndReason::AnswerUnreadable(error.to_owned()));
    }
    // Earlier versions wrote "the run's folder".
    let moved = ["the run folder was moved to `", "the run's folder was moved to `"];
    if let Some(path) = moved.into_iter().find_map(|before| quoted(before, "` meanwhile")) {
        return Some(EndReason::FolderMoved(path.into()));
    }
    if let Some(text) = after("rejected: ") {
        return Some(EndReason::RejectedBecause(text.to_owned()));
    }
    if let Some(why) = after("never started: ") {
        return Some(EndReason::NeverStarted(Some(why.to_owned())));
    }
    if let Some(rest) = after("the worktree's set-up failed: ") {
        let (error, log) = rest
            .rsplit_once("; see `")
            .map_or((rest, None), |(error, log)| (error, Some(log.trim_end_matches('`').into())));
        return Some(EndReason::SetupFailed { error: Some(error.to_owned()), log });
    }
    let part = Startable::ALL.into_iter().find_map(|what| Some((what, after(what.failure())?.strip_prefix(": ")?)));
    if let Some((what, error)) = part {
        return Some(EndReason::CannotStart { what, error: error.to_owned() });
    }
    if let Some(id) = quoted("the record of run ", ", which it waits for, is gone").and_then(RunId::parse) {
        return Some(EndReason::DependencyRecordGone(id));
    }
    dependency(text)
}

/// Parses `job BAD timed out: timeout of 3s`.
fn dependency(text: &str) -> Option<EndReason> {
    let (mode, rest) = text.split_once(' ')?;
    let (task, rest) = rest.split_once(' ')?;
    let (state, reason) = rest.split_once(": ").map_or((rest, None), |(state, reason)| (state, Some(reason)));
    let state = EndState::parse(&state.replace(' ', "_"))?;
    let pair = Pair { mode: ModeName::parse(mode).ok()?, task: TaskId::parse(task).ok()? };
    Some(EndReason::Dependency { pair, state, reason: reason.map(|text| Box::new(EndReason::from_text(text))) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::attempt_record::AttemptRecord;
    use crate::model::end_reason::Decision;

    /// Each reason that can be parsed from its text.
    fn all() -> Vec<EndReason> {
        let pair = Pair { mode: ModeName::parse("job").unwrap(), task: TaskId::parse("BAD").unwrap() };
        let state = EndState::TimedOut;
        let timeout = EndReason::Timeout(Interval::parse("1m 3s"));
        let some = [
            EndReason::ExitCode(3),
            EndReason::ExitCode(143),
            EndReason::Signal(9),
            EndReason::Signal(40),
            timeout.clone(),
            EndReason::LogLimit(Bytes::parse("1GiB")),
            EndReason::MissingFile("out/a b".into()),
            EndReason::CommandFailed(vec!["sh -c false".to_owned()]),
            EndReason::NotSaved { path: "x".into(), error: "no".to_owned() },
            EndReason::AnswerUnreadable("no".to_owned()),
            EndReason::CannotStart { what: Startable::Agent, error: "gone".to_owned() },
            EndReason::SetupFailed { error: Some("fatal: no".to_owned()), log: Some("/r/setup.log".into()) },
            EndReason::SetupFailed { error: Some("no; none".to_owned()), log: None },
            EndReason::Dependency { pair: pair.clone(), state, reason: None },
            EndReason::Dependency { pair, state, reason: Some(Box::new(timeout)) },
            EndReason::DependencyRecordGone(RunId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap()),
            EndReason::NeverStarted(Some("tmux was not found".to_owned())),
            EndReason::ExitCode(1).and(EndReason::FolderMoved("/new".into())),
            EndReason::Signal(15).and(EndReason::FolderMoved("/new".into())),
            EndReason::BlankAnswer.and(EndReason::Other("needs a decision: question".to_owned())),
            EndReason::Other("api error 429: no; did not exit by itself".to_owned()),
        ];
        PLAIN.into_iter().chain(some).collect()
    }

    #[test]
    fn texts_of_records_without_a_value_are_read_back() {
        for reason in all() {
            assert_eq!(EndReason::from_text(&reason.to_string()), reason);
        }
        assert_eq!(EndReason::from_text("nobody saw its exit"), EndReason::ExitNotSeen);
        assert_eq!(EndReason::from_text("signal 9"), EndReason::Signal(9), "as the end of a window was written");
    }

    #[test]
    fn a_record_holds_the_text_and_the_value() {
        let record = r#"{"attempt":1,"state":"failed","reason":"exit code 9","exitCode":9,
            "startedAt":"2026-01-01T00:00:00Z","endedAt":"2026-01-01T00:00:01Z",
            "stdoutFrom":0,"stdoutTo":0,"stderrFrom":0,"stderrTo":0}"#;
        let older: AttemptRecord = serde_json::from_str(record).unwrap();
        assert_eq!((older.reason.clone(), older.exit.code), (Some(EndReason::ExitCode(9)), Some(9)));
        let more = [
            EndReason::NeedsDecision(vec![Decision::Permission("Bash".to_owned()), Decision::Question])
                .and(EndReason::DidNotExit),
            EndReason::AgentError("rejected".to_owned()),
        ];
        for reason in all().into_iter().chain(more) {
            let record = AttemptRecord { reason: Some(reason), ..older.clone() };
            let json = serde_json::to_value(&record).unwrap();
            assert_eq!(json["reason"], record.reason.as_ref().unwrap().to_string());
            assert_eq!(json["exitCode"], 9);
            assert_eq!(serde_json::from_value::<AttemptRecord>(json).unwrap(), record);
        }
        let none = AttemptRecord { reason: None, ..older.clone() };
        let json = serde_json::to_value(&none).unwrap();
        assert!(json.get("reason").is_none() && json.get("cause").is_none(), "{json}");
        assert_eq!(serde_json::from_value::<AttemptRecord>(json).unwrap(), none);
        let newer = record.replace(r#""reason""#, r#""cause":{"notKnownYet":1},"reason""#);
        assert_eq!(serde_json::from_str::<AttemptRecord>(&newer).unwrap(), older);
    }
}
