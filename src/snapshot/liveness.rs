//! Finds runs that may have ended without a record: the pair lock is free, or the window's process is gone. Takes
//! microseconds for each run. An observation must confirm the end.

use std::collections::{HashMap, HashSet};

use crate::executor;
use crate::lifecycle::store::Store;
use crate::model::owner::Owner;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::RunState;
use crate::store::pair_lock::{self, Liveness};

#[derive(Debug, Default)]
pub(super) struct LivenessProbe {
    /// The processes of windows, if known.
    owners: HashMap<RunId, Owner>,
    /// Runs that were observed as active against their probe: their probe is ignored.
    unreliable: HashSet<RunId>,
}

impl LivenessProbe {
    /// Those of `runs` that may have ended.
    pub(super) fn suspects(&mut self, store: &Store, runs: &[Run]) -> Vec<RunId> {
        let ids: HashSet<&RunId> = runs.iter().map(Run::id).collect();
        self.owners.retain(|id, _| ids.contains(id));
        self.unreliable.retain(|id| ids.contains(id));
        let runs: Vec<&Run> = runs.iter().filter(|run| !self.unreliable.contains(run.id())).collect();
        runs.into_iter().filter(|run| self.may_have_ended(store, run)).map(|run| run.id().clone()).collect()
    }

    /// Call after an observation of `suspects`: those that are still active have an unreliable probe.
    pub(super) fn observed(&mut self, suspects: Vec<RunId>) {
        self.unreliable.extend(suspects);
    }

    fn may_have_ended(&mut self, store: &Store, run: &Run) -> bool {
        if !matches!(run.state, RunState::Starting | RunState::Running | RunState::Stopping) {
            return false;
        }
        if run.facts.form.is_job() {
            let held = pair_lock::probe(store.state(), &run.pair());
            return !matches!(held, Ok(Liveness::Held(Some(holder))) if holder == *run.id());
        }
        if !self.owners.contains_key(run.id())
            && let Ok(Some(live)) = store.folder(run.id()).read_live()
        {
            self.owners.insert(run.id().clone(), live.owner);
        }
        self.owners.get(run.id()).is_some_and(|owner| !executor::is_alive(owner))
    }

    /// Whether some of `runs` have no reliable probe.
    pub(super) fn are_insufficient(&self, runs: &[Run]) -> bool {
        let has_none = |run: &Run| {
            let waits = !matches!(run.state, RunState::Starting | RunState::Running | RunState::Stopping);
            waits || run.facts.form.has_window() || self.unreliable.contains(run.id())
        };
        runs.iter().any(has_none)
    }
}
