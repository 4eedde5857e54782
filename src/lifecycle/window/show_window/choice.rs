//! Chooses a terminal emulator, or an attached client to reuse. Pure: installed programs and clients are parameters.

use std::path::PathBuf;

use crate::lifecycle::store::TerminalPreference;
use crate::model::terminal::{Terminal, TerminalName};
use crate::os::process::program::ProgramError;
use crate::os::terminal::known::Needs;
use crate::os::terminal::{HostEnvironment, TERMINALS, TerminalSpec, terminal_spec};
use crate::os::tmux::{Client, PaneLocation};

#[derive(Clone, Debug)]
pub enum TerminalChoice {
    TerminalSpec {
        row: &'static TerminalSpec,
        program: PathBuf,
    },
    /// A command of the user; `program` is the resolved first word.
    Own {
        program: PathBuf,
        words: Vec<String>,
    },
}

/// Why no terminal is opened. The caller then prints the command that attaches.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTerminal {
    #[error("`terminal: none` is set")]
    Unwanted,
    #[error("over SSH there is no screen to open a terminal on")]
    Remote,
    #[error("there is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set")]
    NoScreen,
    #[error("no terminal was found on PATH")]
    NoneInstalled,
    #[error("{} was not found", .0.title())]
    NotInstalled(TerminalName),
    #[error("{} is not a terminal of this system", .0.title())]
    NotHere(TerminalName),
    #[error(transparent)]
    Program(#[from] ProgramError),
}

impl NoTerminal {
    /// Whether the named terminal cannot be used; false if there is no terminal at all.
    pub fn is_a_mistake(&self) -> bool {
        matches!(self, Self::NotInstalled(_) | Self::NotHere(_) | Self::Program(_))
    }
}

/// Finds programs; replaced in tests.
pub(super) trait Installed {
    fn of_row(&self, row: &TerminalSpec) -> Option<PathBuf>;
    fn own(&self, preference: &TerminalPreference, program: &str) -> Result<PathBuf, ProgramError>;
}

/// The preferred terminal; without a preference, the first installed one of the table.
pub(super) fn choose(
    preference: &TerminalPreference,
    around: &HostEnvironment,
    installed: &impl Installed,
) -> Result<TerminalChoice, NoTerminal> {
    if preference.terminal == Terminal::None {
        return Err(NoTerminal::Unwanted);
    }
    if around.remote {
        return Err(NoTerminal::Remote);
    }
    let chosen = |row| Some(TerminalChoice::TerminalSpec { row, program: installed.of_row(row)? });
    match &preference.terminal {
        Terminal::None => Err(NoTerminal::Unwanted),
        Terminal::Own(words) => {
            let program = installed.own(preference, words.first().map_or("", String::as_str))?;
            Ok(TerminalChoice::Own { program, words: words.clone() })
        }
        Terminal::Named(name) => {
            let row = terminal_spec(*name).ok_or(NoTerminal::NotInstalled(*name))?;
            match (around.suits(row), row.needs) {
                (true, _) => chosen(row).ok_or(NoTerminal::NotInstalled(*name)),
                (false, Needs::Screen) => Err(NoTerminal::NoScreen),
                (false, Needs::Mac | Needs::Wsl) => Err(NoTerminal::NotHere(*name)),
            }
        }
        Terminal::Auto => {
            let mut suiting = TERMINALS.iter().filter(|row| around.suits(row)).peekable();
            let nothing = if suiting.peek().is_some() { NoTerminal::NoneInstalled } else { NoTerminal::NoScreen };
            suiting.find_map(chosen).ok_or(nothing)
        }
    }
}

/// How an attached client can show the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse<'a> {
    /// The client that shows the window already; of several, the last used one.
    Shows(&'a Client),
    /// The only client of the session; switch it to the window.
    Switch(&'a Client),
    /// No client, or several that do not show the window.
    Nothing,
}

pub(super) fn reuse<'a>(clients: &'a [Client], place: &PaneLocation) -> Reuse<'a> {
    let terminals = || clients.iter().filter(|client| !client.control_mode && !client.is_view());
    let showing = terminals().filter(|client| client.window_id == place.window_id);
    if let Some(client) = showing.max_by_key(|client| client.activity) {
        return Reuse::Shows(client);
    }
    let on_it = |client: &&Client| {
        let grouped = !place.session_group.is_empty() && client.session_group == place.session_group;
        grouped || client.session_name == place.session_name
    };
    let mut here = terminals().filter(on_it);
    match (here.next(), here.next()) {
        (Some(client), None) => Reuse::Switch(client),
        _ => Reuse::Nothing,
    }
}

#[cfg(test)]
mod tests;
