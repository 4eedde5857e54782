//! Which terminal, and whether a client that is there already will do. Pure: what is installed and
//! who looks is told.

use std::path::PathBuf;

use crate::model::terminal::{Terminal, TerminalName};
use crate::runner::store::TerminalPreference;
use crate::system::process::program::ProgramError;
use crate::system::terminal::known::Needs;
use crate::system::terminal::{HostEnvironment, TERMINALS, TerminalSpec, terminal_spec};
use crate::system::tmux::{Client, PaneLocation};

/// How a new window is opened.
#[derive(Clone, Debug)]
pub enum Choice {
    TerminalSpec {
        row: &'static TerminalSpec,
        program: PathBuf,
    },
    /// The user's own words, of which the first is `program`.
    Own {
        program: PathBuf,
        words: Vec<String>,
    },
}

/// Why no terminal is opened. The command that attaches is told instead.
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
    /// What was asked for by name is not there; else there is just nothing.
    pub fn is_a_mistake(&self) -> bool {
        matches!(self, Self::NotInstalled(_) | Self::NotHere(_) | Self::Program(_))
    }
}

/// What finds programs.
pub(super) trait Installed {
    fn of_row(&self, row: &TerminalSpec) -> Option<PathBuf>;
    fn own(&self, preference: &TerminalPreference, program: &str) -> Result<PathBuf, ProgramError>;
}

/// By the preference, else the first of the table that is there.
pub(super) fn choose(
    preference: &TerminalPreference,
    around: &HostEnvironment,
    installed: &impl Installed,
) -> Result<Choice, NoTerminal> {
    if preference.terminal == Terminal::None {
        return Err(NoTerminal::Unwanted);
    }
    if around.remote {
        return Err(NoTerminal::Remote);
    }
    let chosen = |row| Some(Choice::TerminalSpec { row, program: installed.of_row(row)? });
    match &preference.terminal {
        Terminal::None => Err(NoTerminal::Unwanted),
        Terminal::Own(words) => {
            let program = installed.own(preference, words.first().map_or("", String::as_str))?;
            Ok(Choice::Own { program, words: words.clone() })
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

/// What of the clients that are there will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse<'a> {
    /// Shows the window already; of several the one that was used last.
    Shows(&'a Client),
    /// The only one on the session, be it in a view of its own: the user asked, so it is switched.
    Switch(&'a Client),
    /// None is there, or nobody knows which of several is meant.
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
