//! Moving the queue: what waits is started as far as there are slots.
//!
//! Called by a job's supervisor as its last act, by whoever queued a run, and by commands that
//! wait for one. Any number may do it at once: the pair's lock makes each start happen once.

use std::path::Path;
use std::time::Duration;

use crate::model::run_id::RunId;
use crate::model::run_spec::RunKind;
use crate::runner::ledger::Ledger;
use crate::runner::start::StartError;
use crate::system::process::supervise;
use crate::system::store::index::Index;
use crate::system::store::pair_lock::{self, Claim};
use crate::system::store::run_folder::RunFolder;
use crate::system::store::slots;

/// Longer than any look holds a pair.
const A_MOMENT: Duration = Duration::from_millis(20);

impl Ledger {
    /// A job of this project ended: notes ends, starts what waits, prunes what is old.
    pub fn next(&self, ended: Option<&Path>) -> Result<(), StartError> {
        self.observe()?;
        self.start_queued()?;
        let ended = ended.map(RunFolder::at).and_then(|folder| folder.read_spec().ok());
        if let Some(spec) = ended {
            // Retention must never fail a run that ended.
            if let Err(error) = self.prune_pair(&spec.pair(), Some(&spec.keep)) {
                tracing::warn!(%error, pair = %spec.pair(), "old runs cannot be pruned");
            }
        }
        Ok(())
    }

    /// Starts queued runs, oldest first, as far as there are slots for them. One that cannot be
    /// started keeps no other from it.
    pub fn start_queued(&self) -> Result<(), StartError> {
        for id in self.with_index(Index::active)? {
            if self.folder(&id).is_queued()
                && let Err(error) = self.start_one_queued(&id)
            {
                tracing::warn!(%error, run = %id, "a queued run cannot be started");
            }
        }
        Ok(())
    }

    /// The same for who only looks: what stands in its way is somebody else's to hear.
    pub(crate) fn start_queued_quietly(&self) {
        if let Err(error) = self.start_queued() {
            tracing::warn!(%error, "the queue does not move");
        }
    }

    fn start_one_queued(&self, id: &RunId) -> Result<(), StartError> {
        let folder = self.folder(id);
        let Ok(spec) = folder.read_spec() else { return Ok(()) };
        let RunKind::Headless { slots, .. } = spec.kind else { return Ok(()) };
        // A copied folder's queue is not ours to start.
        if folder.id()? != spec.folder || !folder.environment_waits(&spec) {
            return Ok(());
        }
        // The slot first: who holds the pair for a moment to look must not cost the run its turn.
        let Some(slot) = slots::take(self.state(), slots)? else { return Ok(()) };
        let claimed = pair_lock::claim_from_ending(self.state(), &spec.pair(), A_MOMENT)?;
        let Some(Claim::Taken(lock, _)) = claimed else { return Ok(()) };
        if !folder.is_queued() || folder.has_end() || !matches!(folder.read_live(), Ok(None)) {
            return Ok(());
        }
        lock.name(id)?;
        supervise::start(folder.path(), lock.into_file(), Some(slot.into_file()))?;
        // Only now: a record beside one that lives says nothing, one that is gone too early says lost.
        folder.remove_queue()?;
        Ok(())
    }
}
