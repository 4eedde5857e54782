//! Shows a run to the user: attaches to its window, reads its log or screen.

use crate::lifecycle::store::Store;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::os::environment;
use crate::os::tmux::{Client, ClientOf, SocketEnv, Tmux, TmuxError};
use crate::store::logs::marks::{LogMark, MarkReader};
use crate::store::logs::reader::LogStream;
use crate::store::logs::whole::WholeLog;

/// Log marks of one run that are read, at most.
const MARKS: usize = 20_000;

/// The command that attaches a terminal to the run's window.
pub fn attach_argv(run: &Run) -> Option<Vec<String>> {
    let (socket, session) = (run.facts.socket.clone()?, run.facts.session.as_ref()?);
    Some(Tmux::new(socket).attach_argv(session, run.progress.window.as_deref()))
}

/// Switches this terminal's tmux client to the run's window. False if it is not a client of the run's tmux server.
pub fn switch_client(run: &Run) -> Result<bool, TmuxError> {
    let (Some(socket), Some(session)) = (&run.facts.socket, &run.facts.session) else { return Ok(false) };
    let here = SocketEnv::here();
    let inside = here.surrounding();
    let Some(inside) = inside else { return Ok(false) };
    // Two paths may name one server.
    let same = inside == *socket || std::path::absolute(&inside).ok() == std::path::absolute(socket).ok();
    if !same {
        return Ok(false);
    }
    let (tmux, window) = (Tmux::new(socket.clone()), run.progress.window.as_deref());
    if let Some(pane) = environment::var_text("TMUX_PANE") {
        tmux.switch_client(ClientOf::Pane(&pane), session, window)?;
        return Ok(true);
    }
    // A popup has no pane: it is above a client of its session.
    let shows = |client: &Client| !client.control_mode && Some(&client.session_id) == here.session_id().as_ref();
    let clients = tmux.clients()?;
    let Some(client) = clients.iter().filter(|client| shows(client)).max_by_key(|client| client.activity) else {
        return Ok(false);
    };
    tmux.switch_client(ClientOf::Tty(&client.tty), session, window)?;
    Ok(true)
}

pub fn log(store: &Store, id: &RunId, stream: LogStream) -> std::io::Result<WholeLog> {
    WholeLog::open(&store.folder(id), stream)
}

/// When the logs of a run had which lengths, at most one mark a second and `MARKS` in all.
pub fn marks(store: &Store, id: &RunId) -> std::io::Result<Vec<LogMark>> {
    let (folder, mut reader) = (store.folder(id), MarkReader::default());
    let mut marks: Vec<LogMark> = Vec::new();
    loop {
        let next = reader.read_new(&folder.marks())?;
        if next.is_empty() || marks.len() >= MARKS {
            return Ok(marks);
        }
        for mark in next {
            match marks.last_mut().filter(|last| mark.at_ms.saturating_sub(last.at_ms) < 1000) {
                Some(last) => *last = LogMark { at_ms: last.at_ms, ..mark },
                None => marks.push(mark),
            }
        }
    }
}

/// The current screen of the window with its colours; if the window is gone, its last recorded screen.
pub fn styled_screen(store: &Store, run: &Run) -> Result<Option<Vec<u8>>, TmuxError> {
    let captured = match pane_of(run) {
        Some((tmux, pane)) => tmux.capture_styled(pane, run.id())?,
        None => None,
    };
    Ok(captured.map(String::into_bytes).or_else(|| store.folder(run.id()).read_screen()))
}

/// The current screen of the window; if the window is gone, its last recorded screen.
pub fn screen(store: &Store, run: &Run) -> Result<Option<Vec<u8>>, TmuxError> {
    let captured = match pane_of(run) {
        Some((tmux, pane)) => tmux.capture(pane, run.id())?,
        None => None,
    };
    Ok(captured.map(String::into_bytes).or_else(|| store.folder(run.id()).read_screen()))
}

fn pane_of(run: &Run) -> Option<(Tmux, &str)> {
    Some((Tmux::new(run.facts.socket.clone()?), run.progress.pane.as_deref()?))
}
