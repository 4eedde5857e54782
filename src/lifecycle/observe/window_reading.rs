//! Reads what an agent in a window reports: its last hook event, its status file and, without both, its screen.
//! Changes and judges nothing: the agent's protocol judges.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::agents::{ActivityInputs, Dialog, StatusFile, WindowProtocol};
use crate::model::activity::Activity;
use crate::model::agent_record::AgentRecord;
use crate::model::live_record::LiveRecord;
use crate::model::run_id::RunId;
use crate::os::process;
use crate::os::tmux::Tmux;
use crate::store::record_file::{self, RecordError};
use crate::store::run_folder::RunFolder;

const MAX_STATUS_FILE: u64 = 256 << 10;

/// The window of an agent that reports its activity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgentWindow<'a> {
    pub(crate) protocol: &'static dyn WindowProtocol,
    pub(crate) run: &'a RunId,
    pub(crate) folder: &'a RunFolder,
    pub(crate) socket: &'a Path,
    pub(crate) pane: &'a str,
    pub(crate) pid: u32,
}

#[derive(Debug)]
pub(crate) struct WindowReading {
    pub(crate) live: Option<LiveRecord>,
    /// The last hook event.
    pub(crate) record: Result<Option<AgentRecord>, RecordError>,
    /// Whether the process that sent the event is alive.
    pub(crate) reporter_lives: bool,
    pub(crate) status: StatusReading,
    /// Read only without an event and a status file.
    pub(crate) screen: ScreenReading,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StatusReading {
    Is(PathBuf, StatusFile),
    /// Why no status file can be used.
    None(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScreenReading {
    NotRead,
    Shows(Dialog),
    /// No known dialog, or the screen cannot be read.
    Nothing,
}

impl WindowReading {
    pub(crate) fn of(window: AgentWindow<'_>) -> Self {
        let live = window.folder.read_live().ok().flatten();
        let record = window.folder.read_agent();
        let reporter = record.as_ref().ok().and_then(Option::as_ref).and_then(|record| record.pid);
        let home = live.as_ref().and_then(|live| live.agent_home.as_deref());
        let status = status_of(window.protocol, home, window.pid, reporter);
        let says = matches!(record, Ok(Some(_))) || matches!(status, StatusReading::Is(..));
        let screen = if says { ScreenReading::NotRead } else { read_screen(window) };
        // tmux has reported that the pane's process is alive.
        let reporter_lives = reporter.is_none_or(|pid| pid == window.pid || process::identify(pid).is_ok());
        Self { live, record, reporter_lives, status, screen }
    }

    /// `bell`: the bell rang and no output followed.
    pub(crate) fn inputs<'a>(&'a self, bell: Option<&'a Activity>, now: Timestamp) -> ActivityInputs<'a> {
        ActivityInputs {
            started_at: self.live.as_ref().map(|live| live.started_at),
            record: self.record.as_ref().ok().and_then(Option::as_ref),
            reporter_lives: self.reporter_lives,
            status: match &self.status {
                StatusReading::Is(_, file) => Some(file),
                StatusReading::None(_) => None,
            },
            dialog: match self.screen {
                ScreenReading::Shows(dialog) => Some(dialog),
                ScreenReading::NotRead | ScreenReading::Nothing => None,
            },
            bell,
            now,
        }
    }
}

/// The status file of the pane's process, else (that may be a script) of the process that ran the hooks.
fn status_of(protocol: &dyn WindowProtocol, home: Option<&Path>, pid: u32, reporter: Option<u32>) -> StatusReading {
    let Some(home) = home else { return StatusReading::None("where the agent keeps it is not known".to_owned()) };
    match (read_status(protocol, home, pid), reporter.filter(|reporter| *reporter != pid)) {
        (StatusReading::None(_), Some(reporter)) => read_status(protocol, home, reporter),
        (found, _) => found,
    }
}

fn read_status(protocol: &dyn WindowProtocol, home: &Path, pid: u32) -> StatusReading {
    let path = protocol.status_file(home, pid);
    let bytes = match record_file::read_users_file(&path, MAX_STATUS_FILE) {
        Ok(bytes) => bytes,
        Err(error) => return StatusReading::None(error.to_string()),
    };
    let Some(file) = protocol.read_status_file(&bytes) else {
        return StatusReading::None(format!("`{}` does not say what it does", path.display()));
    };
    // A killed agent leaves its file behind, and its pid may be reused.
    let same = file.pid == pid && file.process_start.is_none_or(|start| process::may_have_started_at(pid, start));
    if same {
        StatusReading::Is(path, file)
    } else {
        StatusReading::None(format!("`{}` is of another process", path.display()))
    }
}

fn read_screen(window: AgentWindow<'_>) -> ScreenReading {
    let screen = Tmux::new(window.socket.to_owned()).capture(window.pane, window.run).ok().flatten();
    screen.and_then(|screen| window.protocol.dialog_on(&screen)).map_or(ScreenReading::Nothing, ScreenReading::Shows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::protocol::Protocol;

    fn write(home: &Path, pid: u32, text: &str) {
        std::fs::create_dir_all(home.join("sessions")).unwrap();
        std::fs::write(home.join(format!("sessions/{pid}.json")), text).unwrap();
    }

    #[test]
    fn a_file_that_another_process_left_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let claude = crate::agents::of(Protocol::Claude).window().unwrap();
        let (home, pid) = (dir.path(), process::own_pid());
        let is = |status: &StatusReading| matches!(status, StatusReading::Is(..));
        assert!(!is(&status_of(claude, Some(home), pid, None)));
        write(home, pid, &format!(r#"{{"pid":{pid},"status":"idle"}}"#));
        assert!(is(&status_of(claude, Some(home), pid, None)), "it says nothing of its start");
        assert!(is(&status_of(claude, Some(home), 1, Some(pid))), "a script is in the window");
        assert!(!is(&status_of(claude, None, pid, None)));
        write(home, pid, &format!(r#"{{"pid":{pid},"status":"idle","procStart":"1"}}"#));
        // A wrong start time is noticed only where the system counts as `claude` does.
        assert_eq!(is(&status_of(claude, Some(home), pid, None)), process::may_have_started_at(pid, 1));
        write(home, pid, r#"{"pid":1,"status":"idle"}"#);
        assert!(!is(&status_of(claude, Some(home), pid, None)));
        write(home, pid, "{");
        assert!(!is(&status_of(claude, Some(home), pid, None)));
    }
}
