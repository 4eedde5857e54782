//! Judges the activity of a `claude` in a window from its own reports.
//!
//! Hooks are quick, but Esc fires none, and a hook may be lost, late or killed. The status file follows shortly and
//! decides in the end. The bell and the screen count only where neither ever came.

use jiff::Timestamp;

use crate::agents::window::{ActivityInputs, StatusFile};
use crate::model::activity::{Activity, ActivitySource, ActivityState};
use crate::model::agent_record::AgentRecord;

/// How long a hook's report may precede that of the status file.
const NEWS_MS: i64 = 2000;
/// A status file that is older than a hook by more than this has missed the change.
const TOGETHER_MS: i64 = 1500;
/// A starting agent that reports nothing for this long needs help.
const START_MS: i64 = 15_000;

pub(super) fn judge(inputs: &ActivityInputs<'_>) -> Activity {
    let record = inputs.record.filter(|_| inputs.reporter_lives);
    match (record, inputs.status) {
        (Some(record), Some(status)) => both(record, status, inputs.now),
        (Some(record), None) => of_hook(record),
        (None, Some(status)) => of_status(status, inputs.now),
        (None, None) => inputs.bell.cloned().unwrap_or_else(|| of_screen(inputs)),
    }
}

/// The id of the newest conversation.
pub(super) fn conversation(inputs: &ActivityInputs<'_>) -> Option<String> {
    let by_file = inputs.status.and_then(|status| Some((status.session_id.clone()?, status.since)));
    match (inputs.record, by_file) {
        (Some(record), Some((id, since))) => {
            Some(if since.is_some_and(|since| since > record.at) { id } else { record.session_id.clone() })
        }
        (Some(record), None) => Some(record.session_id.clone()),
        (None, by_file) => by_file.map(|(id, _)| id),
    }
}

fn both(record: &AgentRecord, status: &StatusFile, now: Timestamp) -> Activity {
    let since = status.since.unwrap_or(record.since);
    let ahead = record.at.as_millisecond() - since.as_millisecond();
    if record.state == status.state {
        // Where both report one change, the hook knows the reason better.
        let same = ahead >= -NEWS_MS;
        return if same { Activity { at: since, ..of_hook(record) } } else { of_status(status, now) };
    }
    let is_news = ahead >= 0 && now.as_millisecond() - record.at.as_millisecond() < NEWS_MS;
    // Another tool may begin or end while one waits for permission: its hook does not end the wait.
    let is_of_a_tool = matches!(record.event.as_str(), "PreToolUse" | "PostToolUse");
    let beside = status.state == ActivityState::Waiting && is_of_a_tool;
    let unnoticed =
        (record.state, status.state) == (ActivityState::Waiting, ActivityState::Working) && ahead > TOGETHER_MS;
    if unnoticed || is_news && !beside { of_hook(record) } else { of_status(status, now) }
}

fn of_hook(record: &AgentRecord) -> Activity {
    let reason = record.reason.clone();
    Activity { state: record.state, reason, source: ActivitySource::Hook, at: record.since, fix: None }
}

fn of_status(status: &StatusFile, now: Timestamp) -> Activity {
    let at = status.since.unwrap_or(now);
    Activity { state: status.state, reason: status.reason.clone(), source: ActivitySource::Session, at, fix: None }
}

/// The activity of an agent without a valid report.
fn of_screen(inputs: &ActivityInputs<'_>) -> Activity {
    let at = inputs.started_at.unwrap_or(inputs.now);
    let late = inputs.now.as_millisecond() - at.as_millisecond() > START_MS;
    let (state, reason) = match inputs.dialog {
        Some(dialog) => (ActivityState::Waiting, dialog.name),
        None if inputs.record.is_some() => {
            (ActivityState::Unknown, "the agent that told is gone, and its window lives")
        }
        None if late => (ActivityState::Unknown, "it tells nothing, and its screen shows no dialog that is known"),
        None => (ActivityState::Unknown, "it starts"),
    };
    let fix = inputs.dialog.map(|dialog| dialog.fix);
    Activity { state, reason: reason.to_owned(), source: ActivitySource::Screen, at, fix }
}

#[cfg(test)]
mod tests;
