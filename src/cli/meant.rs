//! Arguments as meant: the global options, resolved once.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::args::{Color, Global};
use crate::runner::early::Early;
use crate::runner::locate::Whence;
use crate::system::environment;

/// What every command needs to know of how it was called.
#[derive(Debug)]
pub(crate) struct Meant {
    pub(crate) whence: Whence,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: u8,
    /// Colours on stdout, and on stderr.
    pub(crate) colour: (bool, bool),
    /// Colours for who asked for them by another name than a terminal's.
    pub(crate) styled: bool,
    early: Mutex<Option<Early>>,
}

impl Meant {
    /// `early`: what was asked before the arguments were read.
    pub(crate) fn new(global: Global, early: Option<Early>) -> Self {
        let colour = |is_terminal: bool| match global.color {
            Color::Always => environment::var("NO_COLOR").is_none(),
            Color::Never => false,
            Color::Auto => is_terminal && environment::var("NO_COLOR").is_none() && !is_dumb(),
        };
        let meant = Self {
            whence: whence(global.file, global.directory),
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            colour: (colour(io::stdout().is_terminal()), colour(io::stderr().is_terminal())),
            styled: global.color != Color::Never && environment::var("NO_COLOR").is_none(),
            early: Mutex::new(early),
        };
        meant.start_tracing();
        meant
    }

    pub(crate) fn take_early(&self) -> Option<Early> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// `DISPATCH_LOG` filters as usual for tracing; `-v` is shorthand.
    fn start_tracing(&self) {
        let asked = environment::var_text("DISPATCH_LOG");
        let level = match self.verbose {
            0 => None,
            1 => Some("dispatch=info"),
            _ => Some("dispatch=debug"),
        };
        let Some(filter) = asked.or_else(|| level.map(str::to_owned)) else { return };
        // By target and level alone: what else a filter could say would need regular expressions.
        let filter = filter.parse::<Targets>().unwrap_or_default();
        let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(self.colour.1);
        let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    }

    /// Whether somebody sits in front of stderr and wants to see progress.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal() && !is_dumb()
    }
}

/// Where the manifest is looked for, given `-f` and `-C`.
pub(crate) fn whence(file: Option<PathBuf>, directory: Option<PathBuf>) -> Whence {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    // Both are relative to the current folder: `-C` does not move what `-f` names.
    let file = file.map(|file| here.join(file));
    let folder = directory.map_or_else(|| here.clone(), |directory| here.join(directory));
    Whence { file, folder }
}

/// Whether the terminal can neither colour nor move its cursor.
fn is_dumb() -> bool {
    environment::var("TERM").is_some_and(|term| term == "dumb")
}
