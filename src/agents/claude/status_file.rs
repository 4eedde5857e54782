//! Parses the status file in which a `claude` records its activity: `sessions/PID.json` in its own folder.
//!
//! Not a documented interface: content that cannot be parsed counts as absent.

use jiff::Timestamp;
use serde_json::Value;

use crate::agents::sanitize_line;
use crate::agents::session_id::is_session_id;
use crate::agents::window::StatusFile;
use crate::model::activity::ActivityState;

/// How many characters of the reason for waiting are kept.
const REASON_CHARS: usize = 80;

/// `None` where the file holds no known status, as those of old versions.
pub(super) fn read(bytes: &[u8]) -> Option<StatusFile> {
    let file: Value = serde_json::from_slice(bytes).ok()?;
    let text = |name: &str| file.get(name).and_then(Value::as_str);
    let (state, reason) = match text("status")? {
        "busy" => (ActivityState::Working, "it works".to_owned()),
        "idle" => (ActivityState::Idle, "its turn ended".to_owned()),
        "waiting" => (ActivityState::Waiting, waits_for(text("waitingFor"))),
        _ => return None,
    };
    let time = |name: &str| Timestamp::from_millisecond(file.get(name)?.as_i64()?).ok();
    Some(StatusFile {
        pid: file.get("pid")?.as_u64()?.try_into().ok()?,
        process_start: text("procStart").and_then(|start| start.parse().ok()),
        session_id: text("sessionId").filter(|id| is_session_id(id)).map(str::to_owned),
        state,
        reason,
        since: time("statusUpdatedAt").or_else(|| time("updatedAt")),
    })
}

fn waits_for(words: Option<&str>) -> String {
    match words {
        None => "input".to_owned(),
        Some("permission prompt") => "permission".to_owned(),
        Some("input needed") => "question".to_owned(),
        Some(words) => sanitize_line(words).chars().take(REASON_CHARS).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_one_is_read() {
        let text = r#"{"pid":21295,"sessionId":"8e4ae6ed-526d-45c6-a112-e32361f41c1e","cwd":"/r","startedAt":1795338022726,"procStart":"269137","version":"2.1.330","kind":"interactive","name":"repo-ad","status":"waiting","updatedAt":1795338025275,"statusUpdatedAt":1795338025275,"waitingFor":"input needed"}"#;
        let file = read(text.as_bytes()).unwrap();
        assert_eq!((file.pid, file.process_start), (21295, Some(269_137)));
        assert_eq!((file.state, file.reason.as_str()), (ActivityState::Waiting, "question"));
        assert_eq!(file.since.unwrap().as_millisecond(), 1_795_338_025_275);
        assert_eq!(file.session_id.as_deref(), Some("8e4ae6ed-526d-45c6-a112-e32361f41c1e"));
    }

    #[test]
    fn what_says_nothing_is_none() {
        for text in ["", "{", "[]", r#"{"pid":1}"#, r#"{"status":"idle"}"#, r#"{"pid":1,"status":"new"}"#] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        let bare = read(br#"{"pid":1,"status":"busy","sessionId":"-x","procStart":"Mon"}"#).unwrap();
        assert_eq!((bare.session_id, bare.process_start, bare.since), (None, None, None));
    }
}
