//! Moving the queue: what waits is started as far as there are slots.
//!
//! Called by a job's supervisor as its last act, by whoever queued a run, and by commands that
//! wait for one. Any number may do it at once: the pair's lock makes each start happen once.

use crate::model::run_id::RunId;
use crate::model::run_spec::RunKind;
use crate::runner::ledger::Ledger;
use crate::runner::start::StartError;
use crate::system::process::supervise;
use crate::system::store::pair_lock::{self, Claim};
use crate::system::store::slots;

impl Ledger {
    /// A job of this project ended: notes ends, starts what waits, prunes what is old.
    pub fn next(&self) -> Result<(), StartError> {
        let ended = self.observe()?;
        self.start_queued()?;
        for run in ended.runs.iter().filter(|run| !run.is_active()) {
            // Retention must never fail a run that ended.
            if let Err(error) = self.prune_pair(&run.pair(), None) {
                tracing::warn!(%error, pair = %run.pair(), "old runs cannot be pruned");
            }
        }
        Ok(())
    }

    /// Starts queued runs, oldest first, as far as there are slots for them.
    pub fn start_queued(&self) -> Result<(), StartError> {
        for id in self.index()?.active()? {
            if matches!(self.folder(&id).read_queue(), Ok(Some(_))) {
                self.start_one_queued(&id)?;
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
        if folder.id()? != spec.folder || !folder.environment_waits() {
            return Ok(());
        }
        let Claim::Taken(lock, _) = pair_lock::claim(self.state(), &spec.pair())? else { return Ok(()) };
        let still_queued = matches!(folder.read_queue(), Ok(Some(_))) && matches!(folder.read_exit(), Ok(None));
        if !still_queued {
            return Ok(());
        }
        let Some(slot) = slots::take(self.state(), slots)? else { return Ok(()) };
        lock.name(id)?;
        folder.remove_queue()?;
        supervise::start(folder.path(), lock.into_file(), Some(slot.into_file()))?;
        Ok(())
    }
}
