//! Checks the options of `executors:`: only an engine knows which of them the manifest must not give.

use crate::executor;
use crate::manifest::{self, Manifest};
use crate::model::problem::Problem;

/// The problems of a manifest whose executors have options that this program sets itself, those that were `found`
/// before included. `None`: there are none of these.
pub(super) fn refused(manifest: &Manifest, found: &[Problem]) -> Option<Vec<Problem>> {
    let refused = manifest.executors.values().filter_map(|executor| {
        let option = executor::engine(executor.engine).refused_option(&executor.options)?;
        let message = format!("executor `{}` cannot be given `{option}`", executor.name);
        let hint = match option.starts_with('-') {
            true => "`dispatch` sets it itself, or cannot honour it",
            false => "an option and its value are one word: `--name=value`",
        };
        let problem = Problem::error(message).hint(hint);
        Some(manifest::problem_at_key(manifest, &["executors", &executor.name, "options"], problem))
    });
    let refused: Vec<Problem> = refused.collect();
    (!refused.is_empty()).then(|| found.iter().cloned().chain(refused).collect())
}
