//! Says on stderr, once, what keeps a run from ending: a command that waits for it would be silent.

use crate::cli::meant::Meant;
use crate::cli::output;
use crate::model::run::Run;

/// Whether it was said.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    is_told: bool,
}

impl Trouble {
    pub(crate) fn tell(&mut self, meant: &Meant, run: &Run) {
        let Some(trouble) = run.progress.trouble.as_ref().filter(|_| !self.is_told && run.is_active()) else { return };
        self.is_told = true;
        output::stderr(meant).warning(&format!("{}: {trouble}", run.pair()));
        output::stderr(meant).hint("make room; `dispatch prune` deletes old runs");
    }
}
