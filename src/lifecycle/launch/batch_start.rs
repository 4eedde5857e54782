//! Starts a batch, one run after the other, and returns each outcome. Must not print.

use std::borrow::Cow;

use crate::lifecycle::launch::batch::BatchItem;
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::start::{self, Queueing, StartError, Started};
use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::os::tmux::WarmClient;

/// The result of starting one run.
#[derive(Clone, Debug)]
pub enum StartOutcome {
    Run {
        run: Box<Run>,
        /// Started by this call, not joined.
        ours: bool,
    },
    /// Skipped; this is the successful run that is up to date.
    UpToDate(Box<Run>),
    /// No slot is free, and the run must not be queued.
    NoSlot,
    Failed(Pair),
}

/// Why one run of a batch was not started.
#[derive(Debug, thiserror::Error)]
pub enum BatchStartError {
    #[error("`{pair}` was not started, since `{failed}` failed to")]
    After { pair: Pair, failed: Pair },
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A batch that is being started, and the outcomes so far.
#[derive(Debug)]
pub struct BatchStart<'a> {
    store: &'a Store,
    items: &'a [BatchItem],
    outcomes: Vec<StartOutcome>,
    force: bool,
    warm: Option<WarmClient>,
}

impl<'a> BatchStart<'a> {
    /// `force` applies to the requested runs only. The tmux client `warm` creates the first window.
    pub fn new(store: &'a Store, items: &'a [BatchItem], force: bool, warm: Option<WarmClient>) -> Self {
        Self { store, items, outcomes: Vec::with_capacity(items.len()), force, warm }
    }

    /// The next item and its index.
    pub fn upcoming(&self) -> Option<(usize, &'a BatchItem)> {
        let place = self.outcomes.len();
        self.items.get(place).map(|item| (place, item))
    }

    /// Starts or joins the next item; `None` after the last. On `NoSlot` the item remains the next one.
    pub fn start_next(
        &mut self,
        queueing: Queueing<'_>,
    ) -> Option<(&'a BatchItem, Result<StartOutcome, BatchStartError>)> {
        let (_, item) = self.upcoming()?;
        let force = self.force && item.needed_by.is_none();
        let outcome = match self.after_what_it_needs(item) {
            Err(error) => Err(error),
            Ok(None) => Ok(StartOutcome::NoSlot),
            Ok(Some(prepared)) => match start::start(self.store, &prepared, force, queueing, &mut self.warm) {
                Err(error) => Err(error.into()),
                Ok(Started::NoSlot) => Ok(StartOutcome::NoSlot),
                Ok(Started::UpToDate(run)) => Ok(StartOutcome::UpToDate(run)),
                Ok(Started::New(run)) => Ok(StartOutcome::Run { run, ours: true }),
                Ok(Started::Joined(run)) => Ok(StartOutcome::Run { run, ours: false }),
            },
        };
        match &outcome {
            Ok(StartOutcome::NoSlot) => {}
            Ok(outcome) => self.outcomes.push(outcome.clone()),
            Err(_) => self.outcomes.push(StartOutcome::Failed(item.prepared.pair.clone())),
        }
        Some((item, outcome))
    }

    /// The outcomes so far, in the order of the items.
    pub fn outcomes(&self) -> &[StartOutcome] {
        &self.outcomes
    }

    /// The runs that were started so far, not joined.
    pub fn started(&self) -> Vec<Run> {
        let own = |outcome: &StartOutcome| match outcome {
            StartOutcome::Run { run, ours: true } => Some((**run).clone()),
            _ => None,
        };
        self.outcomes.iter().filter_map(own).collect()
    }

    /// `item` with the runs it waits for; `None` if one of them found no slot. Fails if one failed to start.
    fn after_what_it_needs(&self, item: &'a BatchItem) -> Result<Option<Cow<'a, Prepared>>, BatchStartError> {
        let mut prepared = Cow::Borrowed(&item.prepared);
        for place in &item.after {
            match self.outcomes.get(*place) {
                Some(StartOutcome::Run { run, .. }) => prepared.to_mut().conditions.after.push(run.id().clone()),
                Some(StartOutcome::UpToDate(_)) => {}
                Some(StartOutcome::Failed(failed)) => {
                    return Err(BatchStartError::After { pair: item.prepared.pair.clone(), failed: failed.clone() });
                }
                Some(StartOutcome::NoSlot) | None => return Ok(None),
            }
        }
        Ok(Some(prepared))
    }
}
