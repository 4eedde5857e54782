//! `dispatch ui`: the full-screen view of the runs.

use std::process::ExitCode;
use std::sync::Arc;

use crate::cli::commands::run::on_a_terminal;
use crate::cli::context::{CommandContext, is_dumb};
use crate::cli::error::{CliError, CommandResult, USAGE};
use crate::lifecycle::project::served::ServedProject;
use crate::os::environment;
use crate::os::watch::file_watcher::FileWatcher;
use crate::snapshot::Live;
use crate::tui::{self, Abilities, TuiEnd, TuiParts};
use crate::worker::WorkerPool;

/// 128 and the number of SIGTERM.
const ENDED: u8 = 143;

pub(super) fn run(context: &CommandContext) -> CommandResult {
    if context.json {
        return Err(CliError::new(USAGE, "`ui` has no JSON").hint("dispatch status --json"));
    }
    if !on_a_terminal() || is_dumb() {
        return Err(CliError::new(USAGE, "`ui` needs a terminal that can move its cursor, as stdin and stdout")
            .hint("dispatch status"));
    }
    // Also with errors in the manifest: the view shows where, and goes on when they are mended.
    let project = ServedProject::open(&context.location)?;
    let store = project.create_store()?;
    let live = Live::start(store.to_show(), FileWatcher::start()?, context.location.clone())?;
    let manifest = project.manifest().to_owned();
    let parts = TuiParts {
        live,
        workers: Arc::new(WorkerPool::new(manifest.clone())),
        root: project.root().to_owned(),
        manifest,
        abilities: abilities(context),
    };
    Ok(match tui::run(parts)? {
        TuiEnd::Left => ExitCode::SUCCESS,
        TuiEnd::Ended => ExitCode::from(ENDED),
    })
}

/// What this terminal can show.
pub(super) fn abilities(context: &CommandContext) -> Abilities {
    // As the C library decides: the first of these that is set.
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(environment::var_text).find(|it| !it.is_empty());
    let is_utf8 = |locale: String| locale.to_ascii_lowercase().replace('-', "").contains("utf8");
    Abilities { colour: context.colour.0, unicode: locale.is_some_and(is_utf8) }
}
