//! One warning on stderr about what prevents a run from ending: a command that waits for it prints nothing else.

use crate::cli::context::CommandContext;
use crate::cli::output;
use crate::model::run::Run;

#[derive(Debug, Default)]
pub(crate) struct StuckWarning {
    is_shown: bool,
}

impl StuckWarning {
    pub(crate) fn show(&mut self, context: &CommandContext, run: &Run) {
        let Some(trouble) = run.progress.trouble.as_ref().filter(|_| !self.is_shown && run.is_active()) else { return };
        self.is_shown = true;
        output::stderr(context).warning(&format!("{}: {trouble}", run.pair()));
        output::stderr(context).hint("make room; `dispatch prune` deletes old runs");
    }
}
