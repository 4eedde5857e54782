//! What a `claude` in a window does, judged from what it says of itself. Pure.
//!
//! Its hooks push and its session file is the truth: hooks are quick, but Esc fires none, and one
//! may be lost, late, or killed. The file follows within a moment, and has the last word. The bell
//! and the screen count only where neither ever came.

use jiff::Timestamp;

use crate::agent::SessionFile;
use crate::model::activity::{Activity, ActivitySource, ActivityState};
use crate::model::agent_record::AgentRecord;
use crate::runner::agent_signs::{Screen, Signs};

/// So long a hook's word is news that the session file may not have yet.
const NEWS_MS: i64 = 2000;
/// A change that the file never noticed is older than the hook by more than this.
const TOGETHER_MS: i64 = 1500;
/// An agent that has not said anything by then will not without help.
const START_MS: i64 = 15_000;

/// See the module. `bell`: it rang and nothing came after that.
pub(super) fn judge(signs: &Signs, bell: Option<Activity>, now: Timestamp) -> Activity {
    let record = signs.record().filter(|_| signs.speaker_lives);
    match (record, signs.session()) {
        (Some(record), Some(session)) => both(record, session, now),
        (Some(record), None) => of_hook(record),
        (None, Some(session)) => of_session(session, now),
        (None, None) => bell.unwrap_or_else(|| of_screen(signs, now)),
    }
}

/// The conversation it is in.
pub(super) fn conversation(signs: &Signs) -> Option<String> {
    let record = signs.record();
    let by_file = signs.session().and_then(|session| Some((session.session_id.clone()?, session.since)));
    match (record, by_file) {
        (Some(record), Some((id, since))) => {
            Some(if since.is_some_and(|since| since > record.at) { id } else { record.session_id.clone() })
        }
        (Some(record), None) => Some(record.session_id.clone()),
        (None, by_file) => by_file.map(|(id, _)| id),
    }
}

fn both(record: &AgentRecord, session: &SessionFile, now: Timestamp) -> Activity {
    let since = session.since.unwrap_or(record.since);
    let ahead = record.at.as_millisecond() - since.as_millisecond();
    if record.state == session.state {
        // The hook knows more, where it speaks of the same.
        let same = ahead >= -NEWS_MS;
        return if same { Activity { at: since, ..of_hook(record) } } else { of_session(session, now) };
    }
    let is_news = ahead >= 0 && now.as_millisecond() - record.at.as_millisecond() < NEWS_MS;
    // Another tool ends while one waits to be allowed.
    let beside = session.state == ActivityState::Waiting && record.event.contains("ToolUse");
    let unnoticed =
        (record.state, session.state) == (ActivityState::Waiting, ActivityState::Working) && ahead > TOGETHER_MS;
    if unnoticed || is_news && !beside { of_hook(record) } else { of_session(session, now) }
}

fn of_hook(record: &AgentRecord) -> Activity {
    let reason = record.reason.clone();
    Activity { state: record.state, reason, source: ActivitySource::Hook, at: record.since }
}

fn of_session(session: &SessionFile, now: Timestamp) -> Activity {
    let at = session.since.unwrap_or(now);
    Activity { state: session.state, reason: session.reason.clone(), source: ActivitySource::Session, at }
}

/// It has said nothing at all.
fn of_screen(signs: &Signs, now: Timestamp) -> Activity {
    let started = signs.live.as_ref().map_or(now, |live| live.started_at);
    let said = |state, reason: &str| Activity {
        state,
        reason: reason.to_owned(),
        source: ActivitySource::Screen,
        at: started,
    };
    let lost = signs.record().is_some();
    let late = now.as_millisecond() - started.as_millisecond() > START_MS;
    match signs.screen {
        Screen::Shows(dialog) => said(ActivityState::Waiting, dialog.words()),
        _ if lost => said(ActivityState::Unknown, "the agent that told is gone, and its window lives"),
        _ if late => said(ActivityState::Unknown, "it tells nothing, and its screen shows no dialog that is known"),
        _ => said(ActivityState::Unknown, "it starts"),
    }
}

#[cfg(test)]
mod tests;
