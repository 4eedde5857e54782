//! Bringing a run's window before the user from where no terminal is: the server, a script.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::model::run::Run;
use crate::runner::ledger::Ledger;
use crate::runner::window::{Window, WindowError};
use crate::system::environment::{self, Environment};
use crate::system::process::{detached, program, supervise};
use crate::system::tmux::{self, View};

/// What starts the user's own choice of a terminal.
const EMULATOR: &str = "x-terminal-emulator";

/// What came of it. The command that attaches is for the caller to tell in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// A terminal of the user's shows it.
    Focused,
    /// A new terminal is on its way.
    Opened,
    /// There is no terminal, and no screen to open one on.
    None,
}

/// Why it could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error("the terminal cannot be started")]
    Io(#[from] io::Error),
}

impl Ledger {
    /// Shows the run's window in the terminal that is there for it, else in a new one.
    pub fn show_window(&self, run: &Run) -> Result<Opened, OpenError> {
        let window = self.window_of(run)?;
        if window.focus(run)? {
            return Ok(Opened::Focused);
        }
        let Some(emulator) = emulator(&environment::all()) else { return Ok(Opened::None) };
        let argv = [emulator, "-e".into()].into_iter();
        let argv: Vec<OsString> = argv.chain(window.tmux.view_argv(&window.place, run.id(), View::Session)).collect();
        detached::start(&supervise::own_program()?, &argv, &tmux::starter_environment())?;
        Ok(Opened::Opened)
    }
}

impl Window {
    /// Where one shows it already that is as good. Else the only terminal on its session is switched;
    /// of two, nobody knows which one the user means.
    pub(super) fn focus(&self, run: &Run) -> Result<bool, WindowError> {
        let clients = self.tmux.clients()?;
        let mut terminals = clients.iter().filter(|client| !client.control_mode && !client.is_view());
        if terminals.clone().any(|client| client.window_id == self.place.window_id) {
            return Ok(true);
        }
        let mut here = terminals.by_ref().filter(|client| client.session_name == self.place.session_name);
        match (here.next(), here.next()) {
            (Some(client), None) => Ok(self.tmux.show_in(client, &self.place, run.id())?),
            _ => Ok(false),
        }
    }
}

/// The program that opens a terminal, where there is a screen that is the user's own.
pub(super) fn emulator(environment: &Environment) -> Option<OsString> {
    let var = |name: &str| environment.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty());
    let has_screen = var("DISPLAY").or_else(|| var("WAYLAND_DISPLAY")).is_some();
    if !has_screen || var("SSH_CONNECTION").is_some() {
        return None;
    }
    let path = var("PATH").map(OsString::as_os_str);
    program::find(EMULATOR, path, Path::new("/")).ok().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_opened_only_on_a_screen_of_the_users_own() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/bin/sh", folder.path().join(EMULATOR)).unwrap();
        let of = |vars: &[&str]| {
            let mut all: Environment = vars.iter().map(|name| (OsString::from(name), OsString::from("x"))).collect();
            all.insert("PATH".into(), folder.path().into());
            emulator(&all)
        };
        let found = Some(folder.path().join(EMULATOR).into_os_string());
        assert_eq!(of(&["DISPLAY"]), found);
        assert_eq!(of(&["WAYLAND_DISPLAY"]), found);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["DISPLAY", "SSH_CONNECTION"]), None);
        assert_eq!(emulator(&[("DISPLAY".into(), "x".into())].into()), None, "no such program");
    }
}
