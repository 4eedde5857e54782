//! Shows a run's window in the user's terminal emulator: focuses the terminal that shows it, else opens a new one.

pub mod choice;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::lifecycle::store::{Store, TerminalPreference};
use crate::lifecycle::window::show_window::choice::{Installed, NoTerminal, Reuse, TerminalChoice, choose, reuse};
use crate::lifecycle::window::{self, Window, WindowError};
use crate::model::run::Run;
use crate::os::clock::Stopwatch;
use crate::os::environment;
use crate::os::process::detached;
use crate::os::process::program::{self, ProgramError};
use crate::os::process::supervise::own_program;
use crate::os::terminal::{HostEnvironment, NotRaised, TerminalLaunch, TerminalSpec, Viewer, raise};
use crate::os::tmux::{self, Client, TmuxError};

/// How long a new terminal may take to attach.
const ATTACH_TIMEOUT: Duration = Duration::from_secs(15);
const POLL_STEP: Duration = Duration::from_millis(10);
const POLL_STEP_MAX: Duration = Duration::from_millis(160);

/// The result. For `None`, the caller prints the command that attaches.
#[derive(Debug)]
pub enum Shown {
    /// A terminal shows the window; the error is why it was not raised.
    Focused(Result<(), NotRaised>),
    /// A new terminal shows it.
    Opened {
        terminal: String,
    },
    None(NotShown),
}

#[derive(Debug, thiserror::Error)]
pub enum NotShown {
    #[error(transparent)]
    NoTerminal(#[from] NoTerminal),
    #[error("{terminal} cannot be started: {source}")]
    Start { terminal: String, source: io::Error },
    #[error("{terminal} failed ({ended})")]
    Failed { terminal: String, ended: detached::ProgramFailed },
    #[error("{terminal} showed nothing within {} seconds", ATTACH_TIMEOUT.as_secs())]
    Nothing { terminal: String },
}

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
    /// The value in the JSON output.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Focused(_) => "focused",
            Self::Opened { .. } => "opened",
            Self::None(_) => "none",
        }
    }

    /// The note in the JSON output.
    pub fn remark(&self) -> Option<String> {
        match self {
            Self::Focused(Ok(())) | Self::Opened { .. } => None,
            Self::Focused(Err(error)) => Some(format!("shown, but not brought to the front: {error}")),
            Self::None(error) => Some(error.to_string()),
        }
    }
}

/// Shows the window. Returns once it is visible or known not to become visible. Fails if the run has no live pane.
pub fn show_window(store: &Store, run: &Run) -> Result<Shown, ShowError> {
    let around = HostEnvironment::of(tmux::starter_environment());
    let choice = choose(&store.terminal, &around, &Here(&around));
    if let Err(NoTerminal::Unwanted) = choice {
        return Ok(Shown::None(NoTerminal::Unwanted.into()));
    }
    // Serializes calls, so that a second call finds the terminal that the first one opened.
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
    /// The client that shows the window: one that shows it already, or the session's only client, switched to it.
    pub(crate) fn focus(&self, run: &Run) -> Result<Option<Client>, WindowError> {
        let clients = self.tmux.clients()?;
        let client = match reuse(&clients, &self.place) {
            Reuse::Nothing => return Ok(None),
            Reuse::Shows(client) => client,
            Reuse::Switch(client) if self.tmux.show_in(client, &self.place, run.id())? => client,
            Reuse::Switch(_) => return Ok(None),
        };
        // List again: a switched client has another title.
        let now = self.tmux.clients()?.into_iter().find(|now| now.pid == client.pid);
        Ok(Some(now.unwrap_or_else(|| client.clone())))
    }

    fn open(&self, run: &Run, choice: &TerminalChoice, around: &HostEnvironment) -> Result<Shown, ShowError> {
        // Full path: the terminal may have another PATH.
        let tmux = around.program("tmux").unwrap_or_else(|| "tmux".into());
        let view = self.tmux.terminal_view(&self.place, run.id(), &tmux);
        let (title, own) = (run.pair().label(), own_program()?);
        let launch = TerminalLaunch {
            program: choice.program(),
            title: &title,
            command: &view.argv,
            view: &view.name,
            own: &own,
        };
        self.start(choice.name(), &view.name, &choice.argv(&launch, around))
    }

    /// Starts the terminal and waits until its client is attached. Exit with success is no failure: the program may
    /// have passed the request to another process.
    fn start(&self, terminal: String, view: &str, argv: &[OsString]) -> Result<Shown, ShowError> {
        let mut started = match detached::start(argv, &tmux::starter_environment()) {
            Ok(started) => started,
            Err(source) => return Ok(Shown::None(NotShown::Start { terminal, source })),
        };
        let (begun, mut pause) = (Stopwatch::start(), POLL_STEP);
        loop {
            // Checked before the clients: a terminal that attached and then ended counts as opened.
            let failed = started.failed()?;
            if self.tmux.clients()?.iter().any(|client| client.session_name == view) {
                return Ok(Shown::Opened { terminal });
            }
            if let Some(ended) = failed {
                return Ok(Shown::None(NotShown::Failed { terminal, ended }));
            }
            if begun.elapsed() > ATTACH_TIMEOUT {
                return Ok(Shown::None(NotShown::Nothing { terminal }));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(POLL_STEP_MAX);
        }
    }
}

impl TerminalChoice {
    /// The name shown to people.
    pub fn name(&self) -> String {
        match self {
            Self::TerminalSpec { row, .. } => row.name.title().to_owned(),
            Self::Own { words, .. } => format!("`{}`", words.first().map_or("", String::as_str)),
        }
    }

    /// The arguments that open the terminal, which is `launch.program`.
    pub(crate) fn argv(&self, launch: &TerminalLaunch<'_>, around: &HostEnvironment) -> Vec<OsString> {
        match self {
            Self::TerminalSpec { row, .. } => launch.argv(row, around),
            Self::Own { words, .. } => launch.own_argv(words),
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

/// Finds programs on this machine.
struct Here<'a>(&'a HostEnvironment);

impl Installed for Here<'_> {
    fn of_row(&self, row: &TerminalSpec) -> Option<PathBuf> {
        self.0.find(row)
    }

    fn own(&self, preference: &TerminalPreference, name: &str) -> Result<PathBuf, ProgramError> {
        program::find(name, self.0.var("PATH"), &preference.folder)
    }
}

/// The terminal that would be opened; for `doctor`.
pub fn would_open(preference: &TerminalPreference) -> Result<TerminalChoice, NoTerminal> {
    let around = HostEnvironment::of(environment::all());
    choose(preference, &around, &Here(&around))
}
