//! Does what a plan says, step by step, and stops at no failure.

use std::collections::HashMap;

use crate::model::names::Pair;
use crate::model::run_id::RunId;
use crate::plan::diff::Plan;
use crate::plan::step::{Step, What};
use crate::runner::basis::Bases;
use crate::runner::ledger::Ledger;
use crate::runner::prepare::{PrepareError, Prepared, Request};
use crate::runner::project::Project;
use crate::runner::reconcile::recent_restarts;
use crate::runner::start::{Queueing, StartError, Started};
use crate::runner::stop::{How, StopError};
use crate::system::clock;
use crate::tasks::TaskSet;

/// What came of one step.
#[derive(Debug)]
pub struct Done {
    pub step: Step,
    pub outcome: Result<Option<RunId>, ApplyError>,
}

/// Why a step could not be done. The others are done all the same.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("the mode or the task is gone")]
    Gone,
    #[error("`{0}`, which it waits for, could not be started")]
    After(Pair),
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Stop(#[from] StopError),
}

impl Project {
    /// Does every step of `plan`, in its order.
    pub fn apply(&self, tasks: &TaskSet, ledger: &Ledger, plan: &Plan) -> Vec<Done> {
        let mut bases = Bases::new(self);
        let mut begun: HashMap<&Pair, Option<RunId>> = HashMap::new();
        let mut report = Vec::new();
        for step in &plan.steps {
            let outcome = match &step.what {
                What::Stop { run } => stop(ledger, run).map(|()| Some(run.clone())),
                What::Start | What::Restart { .. } | What::Recreate { .. } => {
                    let started = self.do_start(tasks, ledger, step, &begun, &mut bases);
                    begun.insert(&step.pair, started.as_ref().ok().cloned().flatten());
                    started
                }
                // What others wait for may be on its way already.
                _ => {
                    begun.insert(&step.pair, step.run().cloned());
                    Ok(step.run().cloned())
                }
            };
            report.push(Done { step: step.clone(), outcome });
        }
        report
    }

    fn do_start(
        &self,
        tasks: &TaskSet,
        ledger: &Ledger,
        step: &Step,
        begun: &HashMap<&Pair, Option<RunId>>,
        bases: &mut Bases<'_>,
    ) -> Result<Option<RunId>, ApplyError> {
        if let What::Recreate { run, .. } = &step.what {
            stop(ledger, run)?;
        }
        let mut prepared = self.prepare_step(tasks, step, bases)?;
        for pair in &step.after {
            match begun.get(pair) {
                Some(Some(id)) => prepared.conditions.after.push(id.clone()),
                Some(None) => return Err(ApplyError::After(pair.clone())),
                None => {}
            }
        }
        if let What::Restart { last, .. } = &step.what {
            prepared.restarts = recent_restarts(ledger, last);
            prepared.restarts.push(clock::now());
        }
        // Asked for by the plan, whatever an older success would say.
        let force = !matches!(step.what, What::Start);
        match ledger.start(&prepared, force, Queueing::Allowed) {
            Ok(Started::New(run) | Started::Joined(run) | Started::UpToDate(run)) => Ok(Some(run.id().clone())),
            Ok(Started::NoSlot) => Ok(None),
            // Somebody else was faster: it runs, which is what was wanted.
            Err(StartError::Differs { run, .. }) => Ok(Some(run.id().clone())),
            Err(error) => Err(error.into()),
        }
    }

    fn prepare_step(&self, tasks: &TaskSet, step: &Step, bases: &mut Bases<'_>) -> Result<Prepared, ApplyError> {
        let mode = self.manifest.modes.get(&step.pair.mode).ok_or(ApplyError::Gone)?;
        let task = tasks.get(&step.pair.task).ok_or(ApplyError::Gone)?;
        let mut prepared = self.prepare(tasks, mode, task, &Request::default())?;
        prepared.by_up = true;
        prepared.basis = bases.of(mode, task);
        Ok(prepared)
    }
}

fn stop(ledger: &Ledger, run: &RunId) -> Result<(), ApplyError> {
    let found = ledger.run(run).map_err(StopError::from)?;
    match found {
        Some(run) if run.is_active() => Ok(ledger.stop_run(&run, How::Stop).map(drop)?),
        _ => Ok(()),
    }
}
