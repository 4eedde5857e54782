//! Programs that get the terminal for a while: a window's session, a pager, an editor; and the pages in a browser.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::lifecycle::server_registry;
use crate::lifecycle::store::Store;
use crate::lifecycle::summary::attention;
use crate::lifecycle::window::attach;
use crate::model::run::Run;
use crate::os::environment;
use crate::os::process::foreground::run_in_foreground;
use crate::os::process::supervise::own_program;
use crate::os::scratch_file::ScratchFile;
use crate::tui::act::Actor;
use crate::tui::message::Message;
use crate::tui::popup::Popup;
use crate::tui::screen::Screen;
use crate::tui::ui_state::UiState;

/// How a program gave the terminal back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreground {
    Back,
    /// The terminal shows something else now, and the view would be in the way.
    Elsewhere,
}

/// Shows the run's window: in this terminal's tmux client if it is one of the run's server, else by attaching.
pub(super) fn attach(screen: &mut Screen, store: &Store, run: &Run, folder: &Path) -> io::Result<Foreground> {
    attention::visited(store, run)?;
    if attach::switch_client(run).map_err(io::Error::other)? {
        // A popup stays above the client, whatever the client shows.
        let in_popup = environment::var("TMUX_PANE").is_none();
        return Ok(if in_popup { Foreground::Elsewhere } else { Foreground::Back });
    }
    let words = attach::attach_argv(run).ok_or_else(|| io::Error::other("the run has no window"))?;
    // With `TMUX` set, tmux refuses to attach inside a pane of another server.
    let words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    screen.without(|suspensions| run_in_foreground(&words, folder, &["TMUX"], suspensions))?;
    Ok(Foreground::Back)
}

/// Shows the run's whole log in the user's pager.
pub(super) fn page(screen: &mut Screen, manifest: &Path, run: &Run, folder: &Path) -> io::Result<Foreground> {
    let pager = environment::var_text("PAGER").filter(|pager| !pager.trim().is_empty());
    let script = format!("\"$@\" 2>&1 | {}", pager.as_deref().unwrap_or("less -R"));
    let mut words: Vec<OsString> = ["sh", "-c", &script, "sh"].map(OsString::from).to_vec();
    words.extend([
        own_program()?.into(),
        "-f".into(),
        manifest.into(),
        "--color".into(),
        "always".into(),
        "logs".into(),
    ]);
    words.extend(["--run".into(), run.id().to_string().into()]);
    words.extend([run.facts.mode.to_string().into(), run.facts.task.to_string().into()]);
    screen.without(|suspensions| run_in_foreground(&words, folder, &[], suspensions))?;
    Ok(Foreground::Back)
}

/// Lets the person edit a text. Returns the new text without its last line end.
pub(super) fn edit(screen: &mut Screen, text: &str, folder: &Path) -> io::Result<String> {
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(environment::var_text).unwrap_or_else(|| "vi".to_owned());
    let file = ScratchFile::new(text)?;
    let script = format!("{editor} \"$1\"");
    let words: Vec<OsString> = vec!["sh".into(), "-c".into(), script.into(), "sh".into(), file.path().into()];
    let status = screen.without(|suspensions| run_in_foreground(&words, folder, &[], suspensions))?;
    if !status.success() {
        return Err(io::Error::other(format!("the editor failed ({status}): the text is as before")));
    }
    let text = file.read()?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Opens the pages of the server that runs for this project.
pub(super) fn open_pages(actor: &Actor) {
    let store = actor.live.store();
    let opened = match server_registry::server(store) {
        Ok(Some(server)) => server_registry::open_page(store, &server.address, &server.token)
            .map(|()| server.address)
            .map_err(|error| format!("the pages could not be opened: {error}")),
        Ok(None) => Err("no server runs for this project; `dispatch serve` starts one".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    actor.sender.send(Message::Opened(opened));
}

impl UiState {
    /// The text of the open line, as the editor left it.
    pub(super) fn edited(&mut self, text: String) {
        if let Some(Popup::Line(line)) = &mut self.popup {
            line.input = crate::tui::line_input::LineInput::new(text);
        }
    }
}
