//! Opens the tmux window of a new interactive run and records it.

use std::io;
use std::path::Path;

use crate::lifecycle::launch::start::StartError;
use crate::lifecycle::notify;
use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::model::run_id::RunId;
use crate::model::run_spec::RunSpec;
use crate::model::window_record::WindowRecord;
use crate::os::process::{self, supervise};
use crate::os::tmux::{CreateWindow, Created, Tmux, WarmClient};
use crate::store::index::IndexError;
use crate::store::run_folder::RunFolder;

/// Fails for a job, or if tmux does not create the window.
pub(super) fn open_window(
    store: &Store,
    folder: &RunFolder,
    spec: &RunSpec,
    warm: Option<WarmClient>,
) -> Result<Created, StartError> {
    let no_window = || io::Error::other("a job has no window");
    let socket = &spec.kind.window().ok_or_else(no_window)?.socket;
    let program = supervise::own_program()?;
    let pair = spec.pair();
    let previous = previous_pane(store, &pair, &spec.run_id)?;
    store.state().hint_windows(Some(socket));
    let label = pair.window_name();
    let request = window_request(folder, spec, &label, &program, previous.as_ref(), notify::bell_word(store))
        .ok_or_else(no_window)?;
    let created = Tmux::new(socket.clone()).create_window(&request, warm)?;
    note_window(folder, &created);
    Ok(created)
}

/// The pane of the pair's last run; the new window replaces it if it is dead.
pub(crate) fn previous_pane(
    store: &Store,
    pair: &Pair,
    current: &RunId,
) -> Result<Option<(String, RunId)>, IndexError> {
    let previous = store.index()?.of_pair(pair)?.into_iter().find(|id| id != current);
    Ok(previous.and_then(|id| {
        let window = store.folder(&id).read_window().ok().flatten()?;
        Some((window.pane, id))
    }))
}

/// `None` for a job. `previous` is the pane to replace if it is dead.
pub(crate) fn window_request<'a>(
    folder: &'a RunFolder,
    spec: &'a RunSpec,
    label: &'a str,
    program: &'a Path,
    previous: Option<&'a (String, RunId)>,
    bell_word: Option<&'a str>,
) -> Option<CreateWindow<'a>> {
    Some(CreateWindow {
        session: &spec.kind.window()?.session,
        label,
        program,
        run: &spec.run_id,
        run_folder: folder.path(),
        replace: previous.map(|(pane, run)| (pane.as_str(), run)),
        ended_word: Some("__ended"),
        bell_word,
    })
}

pub(crate) fn note_window(folder: &RunFolder, created: &Created) {
    let record = WindowRecord {
        version: 1,
        server: process::identify(created.server_pid).ok(),
        server_pid: created.server_pid,
        server_start: created.server_start,
        pane: created.pane_id.clone(),
        window: created.window_id.clone(),
    };
    // The window works without this record.
    if let Err(error) = folder.write_window(&record) {
        tracing::warn!(%error, "window.json cannot be written");
    }
}
