//! What a `claude` tells its hooks, as a record of what it does.
//!
//! Names and texts come from the agent and are not trusted: what is kept of them is short and plain.

use std::io::Read;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;

use crate::agent::sanitize_line;
use crate::model::activity::ActivityState;
use crate::model::agent_record::{AGENT_VERSION, AgentRecord};
use crate::model::end_reason::Decision;

/// So much of a tool's name is kept.
const NAME: usize = 80;
/// An id is a UUID today.
const ID: usize = 128;

/// What of a hook's input is of use here; the rest, which may be large, is passed over.
#[derive(Debug, Deserialize)]
pub struct HookEvent {
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

impl HookEvent {
    /// `None` where it is not what a hook is told.
    pub fn read(input: impl Read) -> Option<Self> {
        let event: Self = serde_json::from_reader(input).ok()?;
        is_session_id(&event.session_id).then_some(event)
    }

    /// What is to be kept of it, of an agent that is process `pid`, beside what was kept before.
    /// `None` where it says nothing new, or comes too late.
    pub fn record(&self, previous: Option<&AgentRecord>, at: Timestamp, pid: Option<u32>) -> Option<AgentRecord> {
        let previous = previous.filter(|previous| previous.session_id == self.session_id);
        if previous.is_some_and(|previous| previous.at > at) {
            return None;
        }
        let (state, mut reason) = self.means()?;
        let begins = matches!(self.hook_event_name.as_str(), "SessionStart" | "UserPromptSubmit" | "PermissionRequest");
        let before = previous.filter(|previous| previous.state == state && !begins);
        if let Some(before) = before.filter(|_| self.hook_event_name == "Notification") {
            // It comes seconds after what it is about, and knows less.
            reason.clone_from(&before.reason);
        }
        Some(AgentRecord {
            version: AGENT_VERSION,
            event: self.hook_event_name.clone(),
            state,
            reason,
            at,
            since: before.map_or(at, |before| before.since),
            session_id: self.session_id.clone(),
            transcript: self.transcript_path.clone().filter(|path| path.is_absolute()),
            pid,
        })
    }

    fn means(&self) -> Option<(ActivityState, String)> {
        use ActivityState::{Idle, Waiting, Working};
        let tool = || short(self.tool_name.as_deref().unwrap_or("a tool"));
        Some(match self.hook_event_name.as_str() {
            // In the middle of its work.
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
            // An old version says it in words alone.
            about if about.contains("permission") => (ActivityState::Waiting, "permission".to_owned()),
            about if about.starts_with("elicitation") => (ActivityState::Waiting, "input".to_owned()),
            about if about == "idle_prompt" || about.contains("waiting for your input") => {
                (ActivityState::Idle, "its turn ended".to_owned())
            }
            _ => return None,
        })
    }
}

/// What a person decides before `tool` is used.
pub(super) fn decision_for(tool: &str) -> Decision {
    match tool {
        "AskUserQuestion" => Decision::Question,
        "ExitPlanMode" => Decision::PlanApproval,
        tool => Decision::Permission(tool.to_owned()),
    }
}

/// An id goes into an argv when its conversation goes on: it must not be taken for an option.
pub fn is_session_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=ID).contains(&id.len()) && !id.starts_with('-') && id.chars().all(plain)
}

fn short(text: &str) -> String {
    sanitize_line(text).chars().take(NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_700_000_000;

    fn told(text: &str, previous: Option<&AgentRecord>, second: i64) -> Option<AgentRecord> {
        let text = format!(r#"{{"session_id":"S","transcript_path":"/t","cwd":"/","unknown":[{{"x":1}}],{text}}}"#);
        HookEvent::read(text.as_bytes())?.record(previous, Timestamp::from_second(AT + second).unwrap(), Some(7))
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
            let record = told(text, last.as_ref(), second).unwrap();
            assert_eq!(seen(&record), (state, reason, since), "{text}");
            assert_eq!((record.at.as_second() - AT, record.pid), (second, Some(7)));
            last = Some(record);
        }
    }

    #[test]
    fn another_conversation_begins_anew_and_a_late_word_is_none() {
        let stop = told(r#""hook_event_name":"Stop""#, None, 5).unwrap();
        assert_eq!(told(r#""hook_event_name":"PostToolUse""#, Some(&stop), 4), None);
        let other = AgentRecord { session_id: "Z".to_owned(), ..stop.clone() };
        assert_eq!(told(r#""hook_event_name":"Stop""#, Some(&other), 6).unwrap().since.as_second() - AT, 6);
        assert_eq!(told(r#""hook_event_name":"Stop""#, Some(&stop), 6).unwrap().since.as_second() - AT, 5);
    }

    #[test]
    fn what_is_no_hook_says_nothing() {
        for text in ["", "{}", "[1]", "null", "\u{0}", r#"{"hook_event_name":"Stop"}"#, r#"{"session_id":5}"#] {
            assert!(HookEvent::read(text.as_bytes()).is_none(), "{text}");
        }
        for id in ["", "-r", "a b", "a/b", &"x".repeat(129)] {
            let text = format!(r#"{{"hook_event_name":"Stop","session_id":"{id}"}}"#);
            assert!(HookEvent::read(text.as_bytes()).is_none(), "{id}");
        }
        for unknown in ["SubagentStop", "SessionEnd", ""] {
            assert_eq!(told(&format!(r#""hook_event_name":"{unknown}""#), None, 0), None);
        }
        assert_eq!(told(r#""hook_event_name":"Notification","notification_type":"auth_success""#, None, 0), None);
    }

    #[test]
    fn a_name_is_short_and_plain() {
        let long = format!(r#""hook_event_name":"PreToolUse","tool_name":"\u001b[2Ja\n{}""#, "x".repeat(500));
        let record = told(&long, None, 0).unwrap();
        assert!(record.reason.starts_with("it uses a x") && record.reason.len() < 100, "{}", record.reason);
        let old = r#""hook_event_name":"Notification","message":"Claude needs your permission to use Bash""#;
        assert_eq!(seen(&told(old, None, 0).unwrap()), ("waiting", "permission", 0));
    }
}
