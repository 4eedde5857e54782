//! Real output of `claude` 2.1.330 against a stub: how it is judged and rendered.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::agents::{AgentVerdict, LineRenderer, judge};
use crate::model::answer_record::OutcomeSource;
use crate::model::end_reason::EndReason;
use crate::model::exit::Exit;
use crate::model::protocol::Protocol;
use crate::model::run_state::EndState;
use crate::model::usage::{Denial, Tokens};

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("samples/", $name, ".jsonl"))
    };
}

fn report(log: &str) -> AgentReport {
    Claude.read_report(&mut Cursor::new(log)).unwrap()
}

#[track_caller]
fn check(log: &str, code: i32, state: EndState, reason: &str) {
    let verdict = judge(Exit::code(code), &report(log));
    assert_eq!(
        (verdict.state, verdict.reason.map(|reason| reason.to_string()).unwrap_or_default().as_str()),
        (state, reason)
    );
}

fn render(parts: &[&[u8]]) -> String {
    let mut renderer = LineRenderer::for_protocol(Protocol::Claude).unwrap();
    let mut out = Vec::new();
    for part in parts {
        renderer.feed(part, &mut out);
    }
    renderer.finish(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn real_runs_are_judged_by_exit_and_last_result() {
    use EndState::{Failed, Succeeded};
    check(sample!("stream-ok"), 0, Succeeded, "");
    check(sample!("tool-stream"), 0, Succeeded, "");
    check(sample!("tool-denied-stream"), 0, Succeeded, "needs a decision: permission (Bash)");
    check(sample!("err500-once-stream"), 0, Succeeded, "");
    check(sample!("background-bash"), 0, Succeeded, "");
    check(sample!("maxturns-stream"), 1, Failed, "max turns reached");
    check(sample!("budget-json"), 1, Failed, "budget exhausted");
    check(sample!("err400-json"), 1, Failed, "api error 400: stub: bad request");
    check(sample!("sigint-stream"), 0, Failed, "no result event");
    check(sample!("sigterm-in-tool"), 143, Failed, "exit code 143 (SIGTERM)");
    // A bad flag: nothing on stdout, exit 1.
    check("", 1, Failed, "exit code 1");
    check("", 0, Failed, "no result event");
    check(sample!("stream-ok"), 3, Failed, "exit code 3");
    let verdict = judge(Exit::code(1), &report(sample!("err529-stream")));
    assert!(verdict.reason.unwrap().to_string().starts_with("api error 529: Repeated 529 Overloaded errors"));
}

#[test]
fn a_signal_is_never_a_success() {
    let ok = report(sample!("stream-ok"));
    for report in [ok, AgentReport::not_due()] {
        let verdict = judge(Exit::signal(9), &report);
        assert_eq!((verdict.state, verdict.reason), (EndState::Failed, Some(EndReason::Signal(9))));
        let verdict = judge(Exit { code: Some(0), signal: Some(15) }, &report);
        assert_eq!(verdict.state, EndState::Failed);
        assert_eq!(judge(Exit::default(), &report).state, EndState::Lost);
    }
}

#[test]
fn text_agents_are_judged_by_their_exit() {
    let report = crate::agents::of(Protocol::Text).read_report(&mut Cursor::new(sample!("maxturns-stream"))).unwrap();
    assert_eq!(report, AgentReport::not_due());
    let exit = |code| judge(Exit::code(code), &report);
    assert_eq!(exit(0), AgentVerdict { state: EndState::Succeeded, reason: None, source: Some(OutcomeSource::Exit) });
    assert_eq!(exit(42).reason, Some(EndReason::ExitCode(42)));
}

#[test]
fn an_agent_without_a_login_is_told_by_the_kind_of_its_error() {
    let said = |error: &str| {
        format!(r#"{{"type":"assistant","message":{{"model":"<synthetic>","content":[]}},"error":"{error}"}}"#)
    };
    let failed = r#"{"type":"result","subtype":"success","is_error":true,"result":"Not logged in"}"#;
    let fine = r#"{"type":"result","subtype":"success","is_error":false,"result":"x"}"#;
    let is_told = |lines: &[&str]| report(&lines.join("\n")).not_authenticated;
    let (no_login, other) = (said("authentication_failed"), said("invalid_request"));
    assert!(is_told(&[&no_login, failed]));
    assert!(is_told(&[r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":401}"#]));
    assert!(!is_told(&[&other, failed]) && !is_told(&[failed]), "words alone tell nothing");
    assert!(!is_told(&[&no_login, failed, &other, failed]), "only the last turn counts");
    assert!(!is_told(&[&no_login, fine]));
}

#[test]
fn usage_is_of_the_whole_process() {
    let usage = report(sample!("background-bash")).usage;
    assert_eq!(usage.cost_usd, Some(0.0027));
    assert_eq!(usage.tokens, Some(Tokens { input: 300, output: 75, cache_read: 0, cache_creation: 0 }));
    assert_eq!(usage.session_id.as_deref(), Some("57a802ef-25bd-466f-9475-0be0f937ee39"));
    let usage = report(sample!("tool-denied-stream")).usage;
    let input = r#"{"command":"touch x.txt","description":"stub command"}"#.to_owned();
    assert_eq!(usage.denials, [Denial { tool: "Bash".to_owned(), input }]);
    let usage = report(sample!("sigint-stream")).usage;
    assert_eq!((usage.cost_usd, usage.session_id.is_some()), (None, true));
}

#[test]
fn the_last_result_decides_and_a_turn_without_one_fails() {
    let ok = r#"{"result":"A","is_error":false,"subtype":"success","type":"result","result_index":0,"permission_denials":[{"tool_name":"X"}]}"#;
    let bad = r#"{"is_error":true,"subtype":"error_during_execution","type":"result","result_index":1,"permission_denials":[]}"#;
    let init = r#"{"type":"system","subtype":"init","session_id":"S"}"#;
    let refused = "needs a decision: permission (X)";
    check(&format!("{init}\n{bad}\n{init}\n{ok}\n"), 0, EndState::Succeeded, refused);
    check(&format!("{init}\n{ok}\n{init}\n{bad}"), 0, EndState::Failed, "error during execution");
    check(&format!("{init}\n{ok}\n{init}\n"), 0, EndState::Failed, "ended within a turn");
    check(&format!("{ok}\nnot json \"result\"\n{{\"type\":\"result\""), 0, EndState::Succeeded, refused);
    assert_eq!(report(&format!("{ok}\n{bad}\n")).usage.denials.len(), 1);
    check(&format!("[{init},{ok},{init},{bad}]"), 0, EndState::Failed, "error during execution");
    check(&format!("[{init},{bad},{init},{ok}]\n"), 0, EndState::Succeeded, refused);
    // Text that only resembles a result.
    check(
        r#"{"type":"assistant","text":"\"type\":\"result\",\"is_error\":false"}"#,
        0,
        EndState::Failed,
        "no result event",
    );
    // As old versions report the turn limit.
    check(
        r#"{"type":"result","is_error":false,"subtype":"error_max_turns"}"#,
        0,
        EndState::Failed,
        "max turns reached",
    );
    check(r#"{"type":"result"}"#, 0, EndState::Failed, "the agent reported an error");
}

#[test]
fn reasons_are_one_safe_line() {
    let log =
        r#"{"type":"result","is_error":true,"subtype":"success","result":"\n\u001b]0;x\u0007Not logged in\nmore"}"#;
    check(log, 1, EndState::Failed, "Not logged in");
    let long = format!(r#"{{"type":"result","is_error":true,"subtype":"success","result":"{}"}}"#, "é".repeat(5000));
    let verdict = judge(Exit::code(1), &report(&long));
    assert_eq!(verdict.reason.unwrap().to_string().chars().count(), 201);
}

#[test]
fn the_final_answer_is_the_last_results_text() {
    let answer = |log: &str| report(log).answer;
    assert_eq!(answer(sample!("background-bash")).unwrap(), "Hello from the stub.");
    assert_eq!(answer(sample!("sigint-stream")), None);
    assert_eq!(answer(sample!("err400-json")), None);
}

#[test]
fn a_run_reads_as_lines() {
    assert_eq!(
        render(&[sample!("tool-denied-stream").as_bytes()]),
        "assistant  Running a tool.\n\
         tool       Bash  touch x.txt\n\
         denied     Bash touch x.txt\n\
         assistant  Hello from the stub.\n\
         done       success  $0.0018  2 turns  0.4s\n"
    );
    assert_eq!(
        render(&[sample!("tool-stream").as_bytes()]),
        "assistant  Running a tool.\n\
         tool       Bash  echo hello-from-tool\n\
         result     ok  hello-from-tool\n\
         assistant  Hello from the stub.\n\
         done       success  $0.0018  2 turns  0.8s\n"
    );
    let failed = render(&[sample!("err529-stream").as_bytes()]);
    assert!(
        failed.starts_with("retry      1/10 in 0.5s: overloaded\nretry      2/10 in 1.2s: overloaded\nassistant  API")
    );
    assert!(failed.contains("\ndone       failed: api error 529: Repeated"), "{failed}");
    let turns = render(&[sample!("maxturns-stream").as_bytes()]);
    assert!(turns.ends_with("done       failed: max turns reached  $0.0018  3 turns  1.2s\n"), "{turns}");
}

#[test]
fn other_lines_pass_and_unknown_events_do_not() {
    let many = r#"{"type":"assistant","message":{"content":[{"type":"text","text":"a\n\n  b\n"},{"type":"thinking","thinking":"x"},{"type":"tool_use","name":"Odd","input":{"n":1}},{"type":"tool_use","name":"Bash","input":{"command":"a\nb\nc"}}]}}"#;
    let input = format!("plain\r\n\n{{\"a\":1}}\n{{broken\n{{\"type\":\"new_thing\"}}\n{many}\n[1]\nlast");
    assert_eq!(
        render(&[input.as_bytes()]),
        "plain\r\n\n{\"a\":1}\n{broken\nassistant  a\n\n             b\n\
         tool       Odd  {\"n\":1}\ntool       Bash  a (+2 lines)\n[1]\nlast"
    );
    assert!(LineRenderer::for_protocol(Protocol::Text).is_none());
}

#[test]
fn long_lines_are_cut_with_a_note() {
    let event = format!("{{\"type\":\"user\",\"x\":\"{}\"}}\nnext\n", "y".repeat(2 << 20));
    let shown = render(&[event.as_bytes()]);
    assert!(shown.starts_with("…          {\"type\":\"user\"") && shown.len() < 400, "{}", shown.len());
    assert!(shown.ends_with("… [an event of 2097174 bytes]\nnext\n"), "{}", &shown[100..]);
    let text = render(&[&vec![b'z'; (1 << 20) + 5]]);
    assert!(text.ends_with("z… [5 bytes more]"));
}

proptest! {
    #[test]
    fn chunks_do_not_change_the_lines(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        at in any::<prop::sample::Index>(),
    ) {
        let mut input = sample!("tool-denied-stream").as_bytes().to_vec();
        let at = at.index(input.len());
        input.splice(at..at, noise);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(input.len())).collect();
        cuts.extend([0, input.len()]);
        cuts.sort_unstable();
        let parts: Vec<&[u8]> = cuts.windows(2).map(|cut| &input[cut[0]..cut[1]]).collect();
        prop_assert_eq!(render(&parts), render(&[&input]));
    }

    #[test]
    fn any_bytes_make_a_report(input in proptest::collection::vec(any::<u8>(), 0..300), code in any::<i32>()) {
        let report = Claude.read_report(&mut Cursor::new(&input)).unwrap();
        let exit = Exit::code(code);
        prop_assert_eq!(judge(exit, &report).state, EndState::Failed);
        render(&[&input]);
    }
}
