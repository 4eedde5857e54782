//! Signs that a run which writes nothing down is over: its pair's lock is free, its window's
//! process is gone. Costs some microseconds a run; only a look knows what they mean.

use std::collections::{HashMap, HashSet};

use crate::model::process_id::ProcessId;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::RunState;
use crate::runner::store::Store;
use crate::system::process;
use crate::system::store::pair_lock::{self, Liveness};

#[derive(Debug, Default)]
pub(super) struct Signs {
    /// Of windows: the process that was started in them, where it is known.
    owners: HashMap<RunId, ProcessId>,
    /// Looked at already, and active all the same: a sign of theirs is none.
    odd: HashSet<RunId>,
}

impl Signs {
    /// Those of `runs` that a look should be taken at.
    pub(super) fn of(&mut self, store: &Store, runs: &[Run]) -> Vec<RunId> {
        let ids: HashSet<&RunId> = runs.iter().map(Run::id).collect();
        self.owners.retain(|id, _| ids.contains(id));
        self.odd.retain(|id| ids.contains(id));
        let runs: Vec<&Run> = runs.iter().filter(|run| !self.odd.contains(run.id())).collect();
        runs.into_iter().filter(|run| self.is_off(store, run)).map(|run| run.id().clone()).collect()
    }

    /// They were looked at; those that are still active were no sign.
    pub(super) fn explained(&mut self, signs: Vec<RunId>) {
        self.odd.extend(signs);
    }

    fn is_off(&mut self, store: &Store, run: &Run) -> bool {
        if !matches!(run.state, RunState::Starting | RunState::Running | RunState::Stopping) {
            return false;
        }
        if run.facts.headless {
            let held = pair_lock::probe(store.state(), &run.pair());
            return !matches!(held, Ok(Liveness::Held(Some(holder))) if holder == *run.id());
        }
        if !self.owners.contains_key(run.id())
            && let Ok(Some(live)) = store.folder(run.id()).read_live()
        {
            self.owners.insert(run.id().clone(), live.owner);
        }
        self.owners.get(run.id()).is_some_and(|owner| !process::is_alive(owner))
    }

    /// Whether some of `runs` give no sign at all, or one that says nothing.
    pub(super) fn are_missing(&self, runs: &[Run]) -> bool {
        let silent = |run: &Run| {
            let waits = !matches!(run.state, RunState::Starting | RunState::Running | RunState::Stopping);
            waits || !run.facts.headless || self.odd.contains(run.id())
        };
        runs.iter().any(silent)
    }
}
