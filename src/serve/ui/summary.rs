//! Counts of runs for the header of every page. Pure.

use serde::Serialize;

use crate::view::badge::Badge;
use crate::view::run_view::RunView;

#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// Waiting for the user, or failed and not looked at.
    pub(super) needs: usize,
    pub(super) running: usize,
    pub(super) queued: usize,
}

impl Summary {
    pub(super) fn of<'a>(active: impl Iterator<Item = &'a RunView>) -> Self {
        let mut summary = Self::default();
        for run in active {
            let badge = Badge::of(run, false);
            let count = match (badge.needs, badge.running) {
                (true, _) => &mut summary.needs,
                (false, true) => &mut summary.running,
                (false, false) => &mut summary.queued,
            };
            *count += 1;
        }
        summary
    }
}
