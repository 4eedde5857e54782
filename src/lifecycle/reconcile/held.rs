//! Finds the ended runs that `up --watch` would restart but holds, with the reason. Changes nothing.

use std::collections::BTreeMap;

use crate::lifecycle::project::Project;
use crate::lifecycle::reconcile::{count, ended_by_person, recent_restarts};
use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::model::restart::Restart;
use crate::model::run::Run;
use crate::plan::diff::{ObservedRun, UpOptions, WantedState, diff};
use crate::plan::step::{Action, HeldReason};
use crate::plan::wanted::wanted;
use crate::store::index::IndexError;

/// For each held pair, why its last run is not restarted.
pub type Held = BTreeMap<Pair, HeldReason>;

/// The held ones among `runs`, which are the last runs of their pairs.
pub fn held(project: &Project, store: &Store, runs: &[Run]) -> Result<Held, IndexError> {
    let mut held = Held::new();
    // Reading the tasks is the slowest part; skip it if nothing can be held.
    if project.manifest.runs.iter().all(|entry| entry.restart == Restart::Never) || runs.iter().all(Run::is_active) {
        return Ok(held);
    }
    let wanted = wanted(&project.manifest, &project.tasks());
    let restarts: BTreeMap<&Pair, Restart> = wanted.entries.iter().map(|entry| (&entry.pair, entry.restart)).collect();
    for run in runs.iter().filter(|run| !run.is_active()) {
        let pair = run.pair();
        let Some(restart) = restarts.get(&pair) else { continue };
        let seen = ObservedRun::of(run, Vec::new(), ended_by_person(run), count(&recent_restarts(store, run.id())));
        let state = WantedState { pair: pair.clone(), restart: *restart, seen };
        let plan = diff(&[state], &[], UpOptions { watch: true, ..UpOptions::default() });
        for step in plan.steps {
            if let Action::Held { why, .. } = step.action {
                held.insert(pair.clone(), why);
            }
        }
    }
    Ok(held)
}
