//! The active runs of the project or of one mode, for `--all` and `--mode`.

use crate::cli::commands::say;
use crate::cli::context::CommandContext;
use crate::cli::error::CliError;
use crate::lifecycle::project::Project;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::lifecycle::summary::past_runs::PastRuns;
use crate::model::run::Run;

/// In the order of their starts. Fails if the mode is neither in the manifest nor in a record.
pub(super) fn runs(
    context: &CommandContext,
    project: &Project,
    store: Option<&Store>,
    mode: Option<&str>,
) -> Result<Vec<Run>, CliError> {
    let mut runs = Vec::new();
    if let Some(store) = store {
        let observed = refresh::all(store)?;
        say(context, &observed.notices);
        runs = observed.runs;
    }
    runs.retain(|run| run.is_active() && mode.is_none_or(|mode| run.facts.mode.as_str() == mode));
    runs.sort_by(|a, b| a.id().cmp(b.id()));
    if runs.is_empty() {
        PastRuns { mode: mode.map(str::to_owned), ..PastRuns::default() }.check_names(project, store)?;
    }
    Ok(runs)
}
