//! The global options, resolved: the manifest's location, colours, verbosity.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::args::{Color, GlobalOptions};
use crate::lifecycle::project::locate::ManifestLocation;
use crate::os::environment;

/// The call's global options, which every command gets.
#[derive(Debug)]
pub(crate) struct CommandContext {
    pub(crate) location: ManifestLocation,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: u8,
    /// Whether stdout and stderr get colours.
    pub(crate) colour: (bool, bool),
    /// Whether tmux's status line gets colours: it is no terminal, so only `--color never` and NO_COLOR count.
    pub(crate) styled: bool,
}

impl CommandContext {
    pub(crate) fn new(global: GlobalOptions) -> Self {
        let colour = |is_terminal: bool| match global.color {
            Color::Always => environment::var("NO_COLOR").is_none(),
            Color::Never => false,
            Color::Auto => is_terminal && environment::var("NO_COLOR").is_none() && !is_dumb(),
        };
        let context = Self {
            location: manifest_location(global.file, global.directory),
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            colour: (colour(io::stdout().is_terminal()), colour(io::stderr().is_terminal())),
            styled: global.color != Color::Never && environment::var("NO_COLOR").is_none(),
        };
        context.start_tracing();
        context
    }

    /// Starts the log on stderr by `DISPATCH_LOG` (a filter of `tracing`) or `-v`.
    fn start_tracing(&self) {
        let from_environment = environment::var_text("DISPATCH_LOG");
        let level = match self.verbose {
            0 => None,
            1 => Some("dispatch=info"),
            _ => Some("dispatch=debug"),
        };
        let Some(filter) = from_environment.or_else(|| level.map(str::to_owned)) else { return };
        // Only targets and levels: other filters would need regular expressions.
        let filter = filter.parse::<Targets>().unwrap_or_default();
        let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(self.colour.1);
        let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
    }

    /// Whether progress is shown on stderr: it is a terminal and neither `-q` nor `--json` was given.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal() && !is_dumb()
    }
}

/// The manifest's location, given `-f` and `-C`.
pub(crate) fn manifest_location(file: Option<PathBuf>, directory: Option<PathBuf>) -> ManifestLocation {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    // Both are relative to the current folder: `-C` does not move what `-f` names.
    let file = file.map(|file| here.join(file));
    let folder = directory.map_or_else(|| here.clone(), |directory| here.join(directory));
    ManifestLocation { file, folder }
}

/// Whether the terminal has neither colours nor cursor movement.
pub(crate) fn is_dumb() -> bool {
    environment::var("TERM").is_some_and(|term| term == "dumb")
}
