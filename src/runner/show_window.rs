//! Bringing a run's window before the user's eyes: in the terminal that is there for it, else in a
//! new one. The one door for the command line, the server and its pages.

pub mod choice;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::run::Run;
use crate::model::terminal::TerminalName;
use crate::runner::show_window::choice::{Choice, Installed, NoTerminal, Reuse, choose, reuse};
use crate::runner::store::{Store, TerminalPreference};
use crate::runner::window;
use crate::runner::window::{Window, WindowError};
use crate::system::clock::Stopwatch;
use crate::system::environment;
use crate::system::process::detached;
use crate::system::process::program::{self, ProgramError};
use crate::system::process::supervise::own_program;
use crate::system::terminal::{HostEnvironment, NotRaised, TERMINALS, TerminalLaunch, TerminalSpec, Viewer, raise};
use crate::system::tmux::{self, Client, TmuxError};

/// How long a terminal may take until it shows something.
const COMES: Duration = Duration::from_secs(15);
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LAST_LOOK: Duration = Duration::from_millis(160);

/// What came of it. The command that attaches is for the caller to tell where there is nothing else.
#[derive(Debug)]
pub enum Shown {
    /// A terminal of the user's shows it, in front of the others or not.
    Focused(Result<(), NotRaised>),
    /// A new terminal shows it.
    Opened {
        terminal: String,
    },
    None(NotShown),
}

/// Why no terminal shows it.
#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    #[error(transparent)]
    NoTerminal(#[from] NoTerminal),
    #[error("{terminal} cannot be started: {source}")]
    Start { terminal: String, source: io::Error },
    #[error("{terminal} failed ({ended})")]
    Failed { terminal: String, ended: detached::ProgramFailed },
    #[error("{terminal} showed nothing within {} seconds", COMES.as_secs())]
    Nothing { terminal: String },
}

/// Why it could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error("the terminal cannot be started")]
    Io(#[from] io::Error),
}

impl From<TmuxError> for ShowError {
    fn from(error: TmuxError) -> Self {
        Self::Window(error.into())
    }
}

impl Shown {
    /// As JSON says it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Focused(_) => "focused",
            Self::Opened { .. } => "opened",
            Self::None(_) => "none",
        }
    }

    /// What the word alone does not say.
    pub fn remark(&self) -> Option<String> {
        match self {
            Self::Focused(Ok(())) | Self::Opened { .. } => None,
            Self::Focused(Err(error)) => Some(format!("shown, but not brought to the front: {error}")),
            Self::None(error) => Some(error.to_string()),
        }
    }
}

/// See the module. Returns when it is seen, or known not to come.
pub fn show_window(store: &Store, run: &Run) -> Result<Shown, ShowError> {
    let around = HostEnvironment::of(tmux::starter_environment());
    let choice = choose(&store.terminal, &around, &Here(&around));
    if let Err(NoTerminal::Unwanted) = choice {
        return Ok(Shown::None(NoTerminal::Unwanted.into()));
    }
    // Who asks twice gets one: the second waits here and finds it.
    let _lock = store.state().lock_terminals()?;
    let window = window::window_of(run)?;
    if let Some(client) = window.focus(run)? {
        return Ok(Shown::Focused(raise(&viewer(&client), &around)));
    }
    match choice {
        Ok(choice) => window.open(run, &choice, &around),
        Err(error) => Ok(Shown::None(error.into())),
    }
}

impl Window {
    /// The client that shows it, after the only one on its session was switched, where it must.
    pub(super) fn focus(&self, run: &Run) -> Result<Option<Client>, WindowError> {
        let clients = self.tmux.clients()?;
        let client = match reuse(&clients, &self.place) {
            Reuse::Nothing => return Ok(None),
            Reuse::Shows(client) => client,
            Reuse::Switch(client) if self.tmux.show_in(client, &self.place, run.id())? => client,
            Reuse::Switch(_) => return Ok(None),
        };
        // Switched, it has another title.
        let now = self.tmux.clients()?.into_iter().find(|now| now.pid == client.pid);
        Ok(Some(now.unwrap_or_else(|| client.clone())))
    }

    fn open(&self, run: &Run, choice: &Choice, around: &HostEnvironment) -> Result<Shown, ShowError> {
        // The terminal may look for programs elsewhere than we do.
        let tmux = around.program("tmux").unwrap_or_else(|| "tmux".into());
        let view = self.tmux.terminal_view(&self.place, run.id(), &tmux);
        let (title, own) = (run.pair().label(), own_program()?);
        let of = |program| TerminalLaunch { program, title: &title, command: &view.argv, view: &view.name, own: &own };
        let argv = match choice {
            Choice::TerminalSpec { row, program } => of(program).argv(row, around),
            Choice::Own { program, words } => of(program).own_argv(words),
        };
        self.start(choice.name(), &view.name, &argv)
    }

    /// Starts it and waits for the client that it is to show. A program that ends well may have handed
    /// its work to another.
    fn start(&self, terminal: String, view: &str, argv: &[OsString]) -> Result<Shown, ShowError> {
        let mut started = match detached::start(argv, &tmux::starter_environment()) {
            Ok(started) => started,
            Err(source) => return Ok(Shown::None(NotShown::Start { terminal, source })),
        };
        let (begun, mut pause) = (Stopwatch::start(), FIRST_LOOK);
        loop {
            // Asked before the look: what was shown and is gone by now was shown.
            let failed = started.failed()?;
            if self.tmux.clients()?.iter().any(|client| client.session_name == view) {
                return Ok(Shown::Opened { terminal });
            }
            if let Some(ended) = failed {
                return Ok(Shown::None(NotShown::Failed { terminal, ended }));
            }
            if begun.elapsed() > COMES {
                return Ok(Shown::None(NotShown::Nothing { terminal }));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LAST_LOOK);
        }
    }
}

impl Choice {
    /// As a person calls it.
    pub fn name(&self) -> String {
        match self {
            Self::TerminalSpec { row, .. } => row.name.title().to_owned(),
            Self::Own { words, .. } => format!("`{}`", words.first().map_or("", String::as_str)),
        }
    }

    pub fn program(&self) -> &PathBuf {
        match self {
            Self::TerminalSpec { program, .. } | Self::Own { program, .. } => program,
        }
    }
}

fn viewer(client: &Client) -> Viewer {
    let ours = client.is_in_terminal_of_ours();
    Viewer {
        pid: client.pid,
        tty: client.tty.clone(),
        view: ours.then(|| client.session_name.clone()),
        title: ours.then(|| client.title()),
    }
}

/// This machine's programs.
struct Here<'a>(&'a HostEnvironment);

impl Installed for Here<'_> {
    fn of_row(&self, row: &TerminalSpec) -> Option<PathBuf> {
        self.0.find(row)
    }

    fn own(&self, preference: &TerminalPreference, name: &str) -> Result<PathBuf, ProgramError> {
        program::find(name, self.0.var("PATH"), &preference.folder)
    }
}

/// The terminal that would be opened here, for who wants to know before.
pub fn would_open(preference: &TerminalPreference) -> Result<Choice, NoTerminal> {
    let around = HostEnvironment::of(environment::all());
    choose(preference, &around, &Here(&around))
}

/// Each terminal that could be on this system, and its program where it is installed.
pub fn terminals() -> Vec<(TerminalName, Option<PathBuf>)> {
    let around = HostEnvironment::of(environment::all());
    TERMINALS.iter().filter(|row| around.suits(row)).map(|row| (row.name, around.find(row))).collect()
}
