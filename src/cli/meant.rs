//! Arguments as meant: the global options, resolved once.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use crate::cli::args::{Color, Global};
use crate::runner::locate::Whence;
use crate::system::environment;

/// What every command needs to know of how it was called.
#[derive(Clone, Debug)]
pub(crate) struct Meant {
    pub(crate) whence: Whence,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) verbose: u8,
    /// Colours on stdout, and on stderr.
    pub(crate) colour: (bool, bool),
}

impl Meant {
    pub(crate) fn new(global: Global) -> Self {
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let folder = global.directory.map_or_else(|| here.clone(), |directory| here.join(directory));
        // `-f` is what the user typed where they stand, not where `-C` leads.
        let file = global.file.map(|file| here.join(file));
        let colour = |is_terminal: bool| match global.color {
            Color::Always => environment::var("NO_COLOR").is_none(),
            Color::Never => false,
            Color::Auto => is_terminal && environment::var("NO_COLOR").is_none(),
        };
        let meant = Self {
            whence: Whence { file, folder },
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            colour: (colour(io::stdout().is_terminal()), colour(io::stderr().is_terminal())),
        };
        meant.start_tracing();
        meant
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
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
            .with_writer(io::stderr)
            .with_ansi(self.colour.1)
            .try_init();
    }

    /// Whether somebody sits in front of stderr and wants to see progress.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }
}
