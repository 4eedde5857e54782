//! Cancels jobs that came up in an engine after their run was given up because the engine had not answered.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::executor::{self, EngineLook, OwnerSignal};
use crate::lifecycle::store::Store;
use crate::model::end_reason::EndReason;
use crate::model::engine::EngineKind;
use crate::model::engine_report::EngineReport;
use crate::model::run_id::RunId;
use crate::os::clock;
use crate::store::late_jobs::{self, LateJob};

/// A job that has not come up after this time never will.
const LATEST: Duration = Duration::from_secs(600);

/// Cancels what came up. An engine that still does not answer is asked again at the next observation.
pub(crate) fn cancel(store: &Store) {
    let mut by_engine: BTreeMap<EngineKind, Vec<LateJob>> = BTreeMap::new();
    for late in late_jobs::all(store.state()) {
        by_engine.entry(late.engine).or_default().push(late);
    }
    for (engine, jobs) in by_engine {
        let runs: Vec<RunId> = jobs.iter().map(|late| late.run.clone()).collect();
        if let EngineLook::Answer(words) = executor::engine(engine).look(&runs) {
            cancel_known(store, &jobs, &words);
        }
    }
}

fn cancel_known(store: &Store, jobs: &[LateJob], words: &BTreeMap<RunId, EngineReport>) {
    for late in jobs {
        let engine = executor::engine(late.engine);
        let age = Duration::from_millis(clock::millis_between(late.since, clock::now()));
        match words.get(&late.run) {
            _ if !is_given_up(store, &late.run) => late_jobs::forget(store.state(), &late.run),
            Some(EngineReport::Waits { .. } | EngineReport::Runs { .. }) => {
                if let Err(error) = engine.signal(&late.run, OwnerSignal::Hard) {
                    tracing::warn!(%error, run = %late.run, "its late job cannot be cancelled");
                }
            }
            Some(EngineReport::NotKnown) | None if age < LATEST => {}
            _ => late_jobs::forget(store.state(), &late.run),
        }
    }
}

/// Whether the run ended because its engine gave no answer: then no node has taken it.
fn is_given_up(store: &Store, run: &RunId) -> bool {
    let end = store.folder(run).read_exit().ok().flatten();
    end.is_some_and(|end| matches!(end.reason, Some(EndReason::NeverSubmitted(_))))
}
