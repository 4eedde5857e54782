//! Beginning one of several planned runs, after those that stand before it.

use crate::model::names::Pair;
use crate::model::run::Run;
use crate::runner::start;
use crate::runner::start::{Queueing, StartError, Started};
use crate::runner::store::Store;
use crate::runner::together::Planned;

/// What came of beginning one run.
#[derive(Clone, Debug)]
pub enum Beginning {
    Run {
        run: Box<Run>,
        /// Started by this call, not joined.
        ours: bool,
    },
    /// It was skipped; this is the run that made it so.
    UpToDate(Box<Run>),
    /// It would have had to be queued, and must not be.
    NoSlot,
    /// It could not be started.
    Failed(Pair),
}

/// Why one of several was not begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    #[error("`{pair}` was not started, since `{failed}` failed to")]
    After { pair: Pair, failed: Pair },
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Starts or joins `planned`. `before` holds what came of those that stand before it, at their
/// places. `force` is for what was asked; what that needs runs where it is missing, failed or stale.
pub fn begin_planned(
    store: &Store,
    planned: &Planned,
    before: &[Beginning],
    force: bool,
    queueing: Queueing<'_>,
) -> Result<Beginning, BeginError> {
    let mut prepared = std::borrow::Cow::Borrowed(&planned.prepared);
    for place in &planned.after {
        match before.get(*place) {
            Some(Beginning::Run { run, .. }) => prepared.to_mut().conditions.after.push(run.id().clone()),
            Some(Beginning::UpToDate(_)) => {}
            Some(Beginning::Failed(failed)) => {
                return Err(BeginError::After { pair: planned.prepared.pair.clone(), failed: failed.clone() });
            }
            Some(Beginning::NoSlot) | None => return Ok(Beginning::NoSlot),
        }
    }
    let force = force && planned.needed_by.is_none();
    Ok(match start::start(store, &prepared, force, queueing)? {
        Started::NoSlot => Beginning::NoSlot,
        Started::UpToDate(run) => Beginning::UpToDate(run),
        Started::New(run) => Beginning::Run { run, ours: true },
        Started::Joined(run) => Beginning::Run { run, ours: false },
    })
}
