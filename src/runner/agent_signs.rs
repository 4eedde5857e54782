//! What there is to see of a `claude` in a window: what its hooks said last, the file of its
//! session, and, while it has said nothing at all, its screen. Looks only; `agent_activity` judges.

use std::path::{Path, PathBuf};

use crate::agent::{Dialog, SessionFile};
use crate::model::agent_record::AgentRecord;
use crate::model::live_record::LiveRecord;
use crate::model::run_id::RunId;
use crate::system::process;
use crate::system::store::record_file::{self, RecordError};
use crate::system::store::run_folder::RunFolder;
use crate::system::tmux::Tmux;

/// It is small.
const MAX_SESSION: u64 = 256 << 10;

/// The window that is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) run: &'a RunId,
    pub(super) folder: &'a RunFolder,
    pub(super) socket: &'a Path,
    pub(super) pane: &'a str,
    pub(super) pid: u32,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Signs {
    pub(super) live: Option<LiveRecord>,
    /// What its hooks said last, whether it can be read or not.
    pub(super) record: Result<Option<AgentRecord>, RecordError>,
    /// Whether the process that said so is still there.
    pub(super) speaker_lives: bool,
    pub(super) session: Session,
    /// Looked for only where nothing else tells.
    pub(super) screen: Screen,
}

/// The file of its session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Session {
    Is(PathBuf, SessionFile),
    /// Why there is none to believe.
    None(String),
}

/// The screen of a window that has said nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screen {
    NotAsked,
    Shows(Dialog),
    /// Nothing that is known, or it cannot be seen.
    Nothing,
}

impl Signs {
    pub(super) fn of(place: Place<'_>) -> Self {
        let live = place.folder.read_live().ok().flatten();
        let record = place.folder.read_agent();
        let speaker = record.as_ref().ok().and_then(Option::as_ref).and_then(|record| record.pid);
        let home = live.as_ref().and_then(|live| live.agent_home.as_deref());
        let session = session_of(home, place.pid, speaker);
        let told = matches!(record, Ok(Some(_))) || matches!(session, Session::Is(..));
        let screen = if told { Screen::NotAsked } else { look_at_screen(place) };
        // Its process in the window lives: tmux said so.
        let speaker_lives = speaker.is_none_or(|pid| pid == place.pid || process::identify(pid).is_ok());
        Self { live, record, speaker_lives, session, screen }
    }

    pub(super) fn record(&self) -> Option<&AgentRecord> {
        self.record.as_ref().ok().and_then(Option::as_ref)
    }

    pub(super) fn session(&self) -> Option<&SessionFile> {
        match &self.session {
            Session::Is(_, file) => Some(file),
            Session::None(_) => None,
        }
    }
}

/// Of the process in the window; else of the one that our hooks heard, which a script in the window
/// may have started.
fn session_of(home: Option<&Path>, pid: u32, speaker: Option<u32>) -> Session {
    let Some(home) = home else { return Session::None("where the agent keeps it is not known".to_owned()) };
    match (read_session(home, pid), speaker.filter(|speaker| *speaker != pid)) {
        (Session::None(_), Some(speaker)) => read_session(home, speaker),
        (found, _) => found,
    }
}

fn read_session(home: &Path, pid: u32) -> Session {
    let path = home.join("sessions").join(format!("{pid}.json"));
    let bytes = match record_file::read_users_file(&path, MAX_SESSION) {
        Ok(bytes) => bytes,
        Err(error) => return Session::None(error.to_string()),
    };
    let Some(file) = SessionFile::read(&bytes) else {
        return Session::None(format!("`{}` does not say what it does", path.display()));
    };
    // Left behind by an agent that was killed, and the pid is another's by now.
    let same = file.pid == pid && file.process_start.is_none_or(|start| process::may_have_started_at(pid, start));
    if same { Session::Is(path, file) } else { Session::None(format!("`{}` is of another process", path.display())) }
}

fn look_at_screen(place: Place<'_>) -> Screen {
    let screen = Tmux::new(place.socket.to_owned()).capture(place.pane, place.run);
    screen.ok().flatten().and_then(|screen| Dialog::on(&screen)).map_or(Screen::Nothing, Screen::Shows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(home: &Path, pid: u32, text: &str) {
        std::fs::create_dir_all(home.join("sessions")).unwrap();
        std::fs::write(home.join(format!("sessions/{pid}.json")), text).unwrap();
    }

    #[test]
    fn a_file_that_another_process_left_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let (home, pid) = (dir.path(), process::own_pid());
        let is = |session: &Session| matches!(session, Session::Is(..));
        assert!(!is(&session_of(Some(home), pid, None)));
        write(home, pid, &format!(r#"{{"pid":{pid},"status":"idle"}}"#));
        assert!(is(&session_of(Some(home), pid, None)), "it says nothing of its start");
        assert!(is(&session_of(Some(home), 1, Some(pid))), "a script is in the window");
        assert!(!is(&session_of(None, pid, None)));
        write(home, pid, &format!(r#"{{"pid":{pid},"status":"idle","procStart":"1"}}"#));
        // Only where the system counts as `claude` does can it be known for another's.
        assert_eq!(is(&session_of(Some(home), pid, None)), process::may_have_started_at(pid, 1));
        write(home, pid, r#"{"pid":1,"status":"idle"}"#);
        assert!(!is(&session_of(Some(home), pid, None)));
        write(home, pid, "{");
        assert!(!is(&session_of(Some(home), pid, None)));
    }
}
