//! Every order in which hooks and the status file may arrive.

use super::*;
use crate::agents::window::Dialog;
use ActivityState::{Idle, Unknown, Waiting, Working};

const T: i64 = 1_700_000_000_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(T + ms).unwrap()
}

fn hook(event: &str, state: ActivityState, ms: i64) -> AgentRecord {
    AgentRecord {
        version: 1,
        event: event.to_owned(),
        state,
        reason: "by hook".to_owned(),
        at: at(ms),
        since: at(ms),
        session_id: "H".to_owned(),
        transcript: None,
        pid: Some(7),
    }
}

fn file(state: ActivityState, ms: i64) -> StatusFile {
    StatusFile {
        pid: 7,
        process_start: None,
        session_id: Some("F".to_owned()),
        state,
        reason: "by file".to_owned(),
        since: Some(at(ms)),
    }
}

fn inputs<'a>(record: Option<&'a AgentRecord>, status: Option<&'a StatusFile>, now: i64) -> ActivityInputs<'a> {
    let now = at(now);
    ActivityInputs { started_at: Some(at(0)), record, reporter_lives: true, status, dialog: None, bell: None, now }
}

#[track_caller]
fn check(record: Option<AgentRecord>, status: Option<StatusFile>, now: i64, wanted: (ActivityState, &str, i64)) {
    let found = judge(&inputs(record.as_ref(), status.as_ref(), now));
    assert_eq!((found.state, found.source.as_str(), found.at.as_millisecond() - T), wanted);
}

#[test]
fn a_hook_is_believed_at_once_and_the_file_in_the_end() {
    let asks = || Some(hook("PermissionRequest", Waiting, 1000));
    check(asks(), Some(file(Working, 200)), 1010, (Waiting, "hook", 1000));
    check(asks(), Some(file(Waiting, 1030)), 1040, (Waiting, "hook", 1030));
    check(asks(), Some(file(Waiting, 1030)), 90_000, (Waiting, "hook", 1030));
    // Permission was given: no hook reports it until the tool has ended.
    check(asks(), Some(file(Working, 5000)), 5010, (Working, "session", 5000));
    // Another question, whose hook was lost.
    check(asks(), Some(file(Waiting, 9000)), 9010, (Waiting, "session", 9000));
    // A status file that misses the wait.
    check(asks(), Some(file(Working, -5000)), 90_000, (Waiting, "hook", 1000));
    let stop = || Some(hook("Stop", Idle, 1000));
    check(stop(), Some(file(Working, 200)), 1500, (Idle, "hook", 1000));
    check(stop(), Some(file(Idle, 1020)), 1500, (Idle, "hook", 1020));
    check(stop(), Some(file(Working, 200)), 3100, (Working, "session", 200));
}

#[test]
fn esc_fires_no_hook_and_the_file_tells() {
    let works = || Some(hook("PreToolUse", Working, 1000));
    check(works(), Some(file(Idle, 4000)), 4010, (Idle, "session", 4000));
    // A slow hook, recorded after the key press, counts for `NEWS_MS` only.
    let late = || Some(hook("PreToolUse", Working, 4500));
    check(late(), Some(file(Idle, 4000)), 4600, (Working, "hook", 4500));
    check(late(), Some(file(Idle, 4000)), 6500, (Idle, "session", 4000));
    check(late(), Some(file(Idle, 4000)), 900_000, (Idle, "session", 4000));
}

#[test]
fn a_tool_that_ends_beside_a_question_answers_it_not() {
    for event in ["PostToolUse", "PreToolUse"] {
        check(Some(hook(event, Working, 2000)), Some(file(Waiting, 1000)), 2001, (Waiting, "session", 1000));
    }
    check(Some(hook("UserPromptSubmit", Working, 2000)), Some(file(Waiting, 1000)), 2001, (Working, "hook", 2000));
}

#[test]
fn each_alone_is_enough() {
    check(Some(hook("PermissionRequest", Waiting, 5)), None, 900_000, (Waiting, "hook", 5));
    check(None, Some(file(Waiting, 5)), 900_000, (Waiting, "session", 5));
    let timeless = StatusFile { since: None, ..file(Idle, 0) };
    check(Some(hook("Stop", Idle, 5)), Some(timeless), 900_000, (Idle, "hook", 5));
}

#[test]
fn before_it_says_anything_its_screen_may() {
    let on = |dialog, now: i64| {
        let found = judge(&ActivityInputs { dialog, ..inputs(None, None, now) });
        (found.state, found.reason, found.source.as_str())
    };
    let trust = Some(Dialog { name: "trust dialog", fix: "answer it" });
    let waits = (Waiting, "trust dialog".to_owned(), "screen");
    assert_eq!(on(trust, 100), waits);
    assert_eq!(on(trust, 900_000), waits);
    assert_eq!(judge(&ActivityInputs { dialog: trust, ..inputs(None, None, 9) }).fix, Some("answer it"));
    assert_eq!(on(None, 100), (Unknown, "it starts".to_owned(), "screen"));
    assert_eq!(on(None, 16_000).0, Unknown);
    assert!(on(None, 16_000).1.contains("tells nothing"));
    let bell =
        Activity { state: Waiting, reason: "bell".to_owned(), source: ActivitySource::Bell, at: at(3), fix: None };
    assert_eq!(judge(&ActivityInputs { bell: Some(&bell), ..inputs(None, None, 10) }), bell);
    // The agent's own report overrides a bell.
    let works = file(Working, 9);
    assert_eq!(judge(&ActivityInputs { bell: Some(&bell), ..inputs(None, Some(&works), 10) }).state, Working);
}

#[test]
fn an_agent_that_is_gone_tells_nothing() {
    let stop = hook("Stop", Idle, 5);
    let found = judge(&ActivityInputs { reporter_lives: false, ..inputs(Some(&stop), None, 10) });
    assert_eq!(found.state, Unknown);
    assert!(found.reason.contains("is gone"), "{}", found.reason);
}

#[test]
fn the_conversation_is_the_newest() {
    let id = |record: Option<AgentRecord>, status: Option<StatusFile>| {
        conversation(&inputs(record.as_ref(), status.as_ref(), 10))
    };
    assert_eq!(id(None, None), None);
    assert_eq!(id(Some(hook("Stop", Idle, 5)), None).as_deref(), Some("H"));
    assert_eq!(id(None, Some(file(Idle, 5))).as_deref(), Some("F"));
    assert_eq!(id(Some(hook("Stop", Idle, 5)), Some(file(Idle, 4))).as_deref(), Some("H"));
    assert_eq!(id(Some(hook("Stop", Idle, 5)), Some(file(Idle, 6))).as_deref(), Some("F"));
}
