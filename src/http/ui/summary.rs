//! What the head of every page says of all runs. Pure.

use serde::Serialize;

use crate::http::ui::badge::Badge;
use crate::view::run_view::RunView;

/// How many runs stand where.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    /// They wait for a person.
    pub(super) needs: usize,
    pub(super) running: usize,
    pub(super) queued: usize,
}

impl Summary {
    pub(super) fn of<'a>(active: impl Iterator<Item = &'a RunView>) -> Self {
        let mut summary = Self::default();
        for run in active {
            let badge = Badge::of(run, false);
            match () {
                () if badge.needs => summary.needs += 1,
                () if badge.running => summary.running += 1,
                () => summary.queued += 1,
            }
        }
        summary
    }
}
