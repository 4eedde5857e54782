//! Parses the input of a `claude`'s hooks, which report its activity.
//!
//! Names and texts come from the agent and are not trusted: those that are kept are short and plain.

use std::io::Read;
use std::path::PathBuf;

use serde::Deserialize;

use crate::agents::hook_event::HookEvent;
use crate::agents::sanitize_line;
use crate::agents::session_id::is_session_id;
use crate::model::activity::ActivityState;
use crate::model::end_reason::Decision;

/// How many characters of a tool's name are kept.
const NAME_CHARS: usize = 80;

/// The fields that are used; the rest, which may be large, is skipped.
#[derive(Debug, Deserialize)]
struct HookInput {
    hook_event_name: String,
    session_id: String,
    #[serde(default)]
    transcript_path: Option<PathBuf>,
    #[serde(default)]
    tool_name: Option<String>,
    /// Of a `SessionStart`.
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    notification_type: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// `None` where `input` is not a hook's, or its event is not used.
pub(super) fn read(input: &mut dyn Read) -> Option<HookEvent> {
    let input: HookInput = serde_json::from_reader(input).ok()?;
    let (state, reason) = input.means().filter(|_| is_session_id(&input.session_id))?;
    let name = input.hook_event_name;
    Some(HookEvent {
        begins: matches!(name.as_str(), "SessionStart" | "UserPromptSubmit" | "PermissionRequest"),
        // It comes seconds after the event that it reports.
        is_reminder: name == "Notification",
        name,
        session_id: input.session_id,
        transcript: input.transcript_path.filter(|path| path.is_absolute()),
        state,
        reason,
    })
}

impl HookInput {
    fn means(&self) -> Option<(ActivityState, String)> {
        use ActivityState::{Idle, Waiting, Working};
        let tool = || short(self.tool_name.as_deref().unwrap_or("a tool"));
        Some(match self.hook_event_name.as_str() {
            // After a compaction the turn goes on.
            "SessionStart" if self.source.as_deref() == Some("compact") => (Working, "it works".to_owned()),
            "SessionStart" => (Idle, "its session began".to_owned()),
            "UserPromptSubmit" => (Working, "it was given a prompt".to_owned()),
            "PreToolUse" => (Working, format!("it uses {}", tool())),
            "PostToolUse" => (Working, format!("it used {}", tool())),
            "PermissionRequest" => (Waiting, decision_for(&tool()).to_string()),
            "Notification" => self.notice()?,
            "Stop" => (Idle, "its turn ended".to_owned()),
            "StopFailure" => (Idle, "its turn failed".to_owned()),
            _ => return None,
        })
    }

    fn notice(&self) -> Option<(ActivityState, String)> {
        let about = self.notification_type.as_deref().or(self.message.as_deref())?;
        Some(match about {
            // An old version sends only the message, without the type.
            about if about.contains("permission") => (ActivityState::Waiting, "permission".to_owned()),
            about if about.starts_with("elicitation") => (ActivityState::Waiting, "input".to_owned()),
            about if about == "idle_prompt" || about.contains("waiting for your input") => {
                (ActivityState::Idle, "its turn ended".to_owned())
            }
            _ => return None,
        })
    }
}

/// The decision that a person makes before `tool` is used.
pub(super) fn decision_for(tool: &str) -> Decision {
    match tool {
        "AskUserQuestion" => Decision::Question,
        "ExitPlanMode" => Decision::PlanApproval,
        tool => Decision::Permission(tool.to_owned()),
    }
}

fn short(text: &str) -> String {
    sanitize_line(text).chars().take(NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::agent_record::AgentRecord;

    const AT: i64 = 1_700_000_000;

    fn recorded(text: &str, previous: Option<&AgentRecord>, second: i64) -> Option<AgentRecord> {
        let text = format!(r#"{{"session_id":"S","transcript_path":"/t","cwd":"/","unknown":[{{"x":1}}],{text}}}"#);
        read(&mut text.as_bytes())?.record(previous, Timestamp::from_second(AT + second).unwrap(), Some(7))
    }

    fn seen(record: &AgentRecord) -> (&'static str, &str, i64) {
        (record.state.as_str(), &record.reason, record.since.as_second() - AT)
    }

    #[test]
    fn a_turn_as_its_hooks_tell_it() {
        let mut last = None;
        for (second, text, state, reason, since) in [
            (0, r#""hook_event_name":"SessionStart","source":"startup""#, "idle", "its session began", 0),
            (1, r#""hook_event_name":"UserPromptSubmit","prompt":"x""#, "working", "it was given a prompt", 1),
            (2, r#""hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{}"#, "working", "it uses Bash", 1),
            (3, r#""hook_event_name":"PermissionRequest","tool_name":"Bash""#, "waiting", "permission (Bash)", 3),
            (
                9,
                r#""hook_event_name":"Notification","notification_type":"permission_prompt""#,
                "waiting",
                "permission (Bash)",
                3,
            ),
            (10, r#""hook_event_name":"PermissionRequest","tool_name":"AskUserQuestion""#, "waiting", "question", 10),
            (12, r#""hook_event_name":"PostToolUse","tool_name":"Bash""#, "working", "it used Bash", 12),
            (13, r#""hook_event_name":"SessionStart","source":"compact""#, "working", "it works", 13),
            (14, r#""hook_event_name":"Stop""#, "idle", "its turn ended", 14),
            (74, r#""hook_event_name":"Notification","notification_type":"idle_prompt""#, "idle", "its turn ended", 14),
            (80, r#""hook_event_name":"UserPromptSubmit""#, "working", "it was given a prompt", 80),
            (81, r#""hook_event_name":"StopFailure","error":"server_error""#, "idle", "its turn failed", 81),
        ] {
            let record = recorded(text, last.as_ref(), second).unwrap();
            assert_eq!(seen(&record), (state, reason, since), "{text}");
            assert_eq!((record.at.as_second() - AT, record.pid), (second, Some(7)));
            last = Some(record);
        }
    }

    #[test]
    fn another_conversation_begins_anew_and_a_late_word_is_none() {
        let stop = recorded(r#""hook_event_name":"Stop""#, None, 5).unwrap();
        assert_eq!(recorded(r#""hook_event_name":"PostToolUse""#, Some(&stop), 4), None);
        let other = AgentRecord { session_id: "Z".to_owned(), ..stop.clone() };
        assert_eq!(recorded(r#""hook_event_name":"Stop""#, Some(&other), 6).unwrap().since.as_second() - AT, 6);
        assert_eq!(recorded(r#""hook_event_name":"Stop""#, Some(&stop), 6).unwrap().since.as_second() - AT, 5);
    }

    #[test]
    fn what_is_no_hook_says_nothing() {
        for text in ["", "{}", "[1]", "null", "\u{0}", r#"{"hook_event_name":"Stop"}"#, r#"{"session_id":5}"#] {
            assert!(read(&mut text.as_bytes()).is_none(), "{text}");
        }
        for id in ["", "-r", "a b", "a/b", &"x".repeat(129)] {
            let text = format!(r#"{{"hook_event_name":"Stop","session_id":"{id}"}}"#);
            assert!(read(&mut text.as_bytes()).is_none(), "{id}");
        }
        for unknown in ["SubagentStop", "SessionEnd", ""] {
            assert_eq!(recorded(&format!(r#""hook_event_name":"{unknown}""#), None, 0), None);
        }
        assert_eq!(recorded(r#""hook_event_name":"Notification","notification_type":"auth_success""#, None, 0), None);
    }

    #[test]
    fn a_name_is_short_and_plain() {
        let long = format!(r#""hook_event_name":"PreToolUse","tool_name":"\u001b[2Ja\n{}""#, "x".repeat(500));
        let record = recorded(&long, None, 0).unwrap();
        assert!(record.reason.starts_with("it uses a x") && record.reason.len() < 100, "{}", record.reason);
        let old = r#""hook_event_name":"Notification","message":"Claude needs your permission to use Bash""#;
        assert_eq!(seen(&recorded(old, None, 0).unwrap()), ("waiting", "permission", 0));
    }
}
