//! Carries out a plan step by step. A failed step does not stop the others.

use std::collections::{HashMap, HashSet};
use std::io;

use crate::lifecycle::launch::many;
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::start::{StartError, Started};
use crate::lifecycle::reconcile::prepared_plan::{NotPrepared, PreparedPlan};
use crate::lifecycle::reconcile::recent_restarts;
use crate::lifecycle::stop::{self, StopError, StopKind};
use crate::lifecycle::store::Store;
use crate::lifecycle::{queue, refresh};
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::os::clock;
use crate::plan::step::{Action, Step};

#[derive(Debug)]
pub struct Done {
    pub step: Step,
    pub outcome: Result<Option<RunId>, ApplyError>,
}

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("`{0}`, which it waits for, could not be started")]
    After(Pair),
    #[error(transparent)]
    Prepare(#[from] NotPrepared),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Stop(#[from] StopError),
}

/// Carries out all steps in order. Neighbouring starts without dependencies among them are started as one batch.
pub fn apply(store: &Store, mut prepared: PreparedPlan) -> Vec<Done> {
    let plan = std::mem::take(&mut prepared.plan);
    let mut begun: HashMap<&Pair, Option<RunId>> = HashMap::new();
    let mut report = Vec::with_capacity(plan.steps.len());
    let mut steps = plan.steps.as_slice();
    while let Some((step, rest)) = steps.split_first() {
        // The longest prefix of starts in which no step waits for another.
        let mut level: Vec<&Step> = steps.iter().take_while(|step| step.is_start()).collect();
        if let Some(end) = dependent(&level) {
            level.truncate(end);
        }
        let stops: Vec<&RunId> = steps.iter().map_while(stopped_by).collect();
        if !stops.is_empty() {
            let outcomes = stop_all(store, &stops);
            for (step, outcome) in steps.iter().zip(outcomes) {
                begun.insert(&step.pair, step.run().cloned());
                let outcome = outcome.map(|()| step.run().cloned());
                report.push(Done { step: step.clone(), outcome });
            }
            steps = &steps[stops.len()..];
            continue;
        }
        if level.is_empty() {
            // Later steps may wait for a run that is already active.
            begun.insert(&step.pair, step.run().cloned());
            report.push(Done { step: step.clone(), outcome: Ok(step.run().cloned()) });
            steps = rest;
            continue;
        }
        let outcomes = start_level(store, &mut prepared, &level, &begun);
        steps = &steps[level.len()..];
        for (step, outcome) in level.into_iter().zip(outcomes) {
            begun.insert(&step.pair, outcome.as_ref().ok().cloned().flatten());
            report.push(Done { step: step.clone(), outcome });
        }
    }
    if report.iter().any(|done: &Done| done.step.is_start()) {
        queue::advance_quietly(store);
    }
    report
}

fn start_level(
    store: &Store,
    plan: &mut PreparedPlan,
    level: &[&Step],
    begun: &HashMap<&Pair, Option<RunId>>,
) -> Vec<Result<Option<RunId>, ApplyError>> {
    let mut prepared: Vec<Result<Prepared, ApplyError>> =
        level.iter().map(|step| make_ready(store, plan, step, begun)).collect();
    // Stop a run only after its replacement was prepared: if preparation fails, the old run goes on.
    let mut places = Vec::new();
    let mut stops = Vec::new();
    for (at, step) in level.iter().enumerate() {
        if let (Action::Recreate { run, .. }, Ok(_)) = (&step.action, &prepared[at]) {
            places.push(at);
            stops.push(run);
        }
    }
    for (at, stopped) in places.into_iter().zip(stop_all(store, &stops)) {
        if let Err(error) = stopped {
            prepared[at] = Err(error);
        }
    }
    let mut ready = Vec::new();
    let mut outcomes: Vec<Option<ApplyError>> = Vec::with_capacity(level.len());
    for (step, prepared) in level.iter().zip(prepared) {
        match prepared {
            // The plan decided on this start: an older success must not make it a no-op.
            Ok(prepared) => {
                ready.push((prepared, !matches!(step.action, Action::Start)));
                outcomes.push(None);
            }
            Err(error) => outcomes.push(Some(error)),
        }
    }
    let mut started = many::start_many(store, &ready).into_iter();
    let one = |failed: Option<ApplyError>| match failed {
        Some(error) => Err(error),
        None => match started.next() {
            Some(Ok(Started::New(run) | Started::Joined(run) | Started::UpToDate(run))) => Ok(Some(run.id().clone())),
            Some(Ok(Started::NoSlot)) | None => Ok(None),
            // Another process started the pair meanwhile. It runs, as wanted.
            Some(Err(StartError::Differs { run, .. })) => Ok(Some(run.id().clone())),
            Some(Err(StartError::RanMeanwhile { run, .. })) => Ok(Some(run)),
            Some(Err(error)) => Err(error.into()),
        },
    };
    outcomes.into_iter().map(one).collect()
}

fn make_ready(
    store: &Store,
    plan: &mut PreparedPlan,
    step: &Step,
    begun: &HashMap<&Pair, Option<RunId>>,
) -> Result<Prepared, ApplyError> {
    let mut prepared = plan.take(&step.pair)?;
    for pair in &step.after {
        match begun.get(pair) {
            Some(Some(id)) => prepared.conditions.after.push(id.clone()),
            Some(None) => return Err(ApplyError::After(pair.clone())),
            None => {}
        }
    }
    if let Action::Restart { last, .. } = &step.action {
        prepared.restarts = recent_restarts(store, last);
        prepared.restarts.push(clock::now());
    }
    Ok(prepared)
}

/// The index of the first step that waits for an earlier one in `level`.
fn dependent(level: &[&Step]) -> Option<usize> {
    let mut before: HashSet<&Pair> = HashSet::new();
    level.iter().position(|step| {
        let waits = step.after.iter().any(|pair| before.contains(pair));
        before.insert(&step.pair);
        waits
    })
}

fn stopped_by(step: &Step) -> Option<&RunId> {
    match &step.action {
        Action::Stop { run } => Some(run),
        _ => None,
    }
}

/// Stops the active ones among `runs` in parallel; one outcome for each, in order.
fn stop_all(store: &Store, runs: &[&RunId]) -> Vec<Result<(), ApplyError>> {
    let ids: Vec<RunId> = runs.iter().map(|run| (*run).clone()).collect();
    let active: Vec<Run> = match refresh::some(store, &ids) {
        Ok(seen) => seen.runs.into_iter().filter(Run::is_active).collect(),
        Err(error) => {
            let why = error.to_string();
            return runs.iter().map(|_| Err(StopError::Io(io::Error::other(why.clone())).into())).collect();
        }
    };
    let stopped = stop::stop_runs(store, &active, StopKind::Stop);
    let mut failed: HashMap<RunId, ApplyError> = HashMap::new();
    for (run, stopped) in active.iter().zip(stopped) {
        if let Err(error) = stopped {
            failed.insert(run.id().clone(), error.into());
        }
    }
    ids.iter().map(|id| failed.remove(id).map_or(Ok(()), Err)).collect()
}
