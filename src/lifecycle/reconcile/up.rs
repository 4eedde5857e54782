//! Carries out the plan of `up` in a project: all of it, or what a client asked for. Refused inside a run.

use std::io;

use serde::{Deserialize, Serialize};

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::project::{Depth, Project, project_store};
use crate::lifecycle::reconcile;
use crate::lifecycle::reconcile::apply::{self, Done};
use crate::lifecycle::reconcile::prepared_plan::PreparedPlan;
use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::os::environment;
use crate::plan::diff::UpOptions;
use crate::store::state_dir::{StateDirError, UpLock};

/// What a client wants `up` to apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct UpRequest {
    /// The id of the plan that the client has seen. `None`: any plan.
    pub plan_id: Option<String>,
    /// The entries to apply, with what they need. `None`: all.
    pub only: Option<Vec<Pair>>,
}

/// The result of an [`UpRequest`].
#[derive(Debug)]
pub enum UpOutcome {
    Applied(Vec<Done>),
    /// The plan is not the one that the client has seen. Nothing was done.
    Changed(PreparedPlan),
}

/// Refuses `command` inside a run: an agent must not change the set of runs.
pub fn refuse_inside(command: &str) -> Result<(), Failure> {
    match environment::var("DISPATCH_RUN_ID") {
        None => Ok(()),
        Some(_) => Err(Failure::new(Kind::Usage, format!("`{command}` is refused inside a run"))
            .hint("it is for the person who watches the run")),
    }
}

/// Lets one `up` at a time observe and apply. `None` if nothing was ever run.
pub fn lock(known: Option<&Store>) -> io::Result<Option<UpLock>> {
    known.map(|store| store.state().lock_up()).transpose()
}

/// Plans and applies what `request` asks for. Between the check of the plan's id and its application nothing is
/// observed or read again. Fails if an entry of `only` is not in the plan.
pub fn up(location: &ManifestLocation, request: &UpRequest) -> Result<UpOutcome, Failure> {
    refuse_inside("up")?;
    // Read after the lock was taken: the manifest may change during the wait.
    let _lock = lock(project_store::find(&Project::open(location, Depth::Shape)?)?.as_ref())?;
    let project = Project::open(location, Depth::Whole)?;
    let (tasks, known) = (project.tasks(), project_store::find(&project)?);
    let report = reconcile::plan(&project, &tasks, known.as_ref(), UpOptions::default())?;
    let mut plan = PreparedPlan::new(&project, &tasks, report.plan);
    if request.plan_id.as_ref().is_some_and(|seen| seen != plan.id()) {
        return Ok(UpOutcome::Changed(plan));
    }
    let Some(pairs) = &request.only else {
        return Ok(UpOutcome::Applied(carry_out(&project, known, plan)?));
    };
    let chosen = plan.only(&project, pairs)?;
    let mut done = carry_out(&project, known, plan)?;
    done.retain(|done| chosen.contains(&done.step.pair));
    Ok(UpOutcome::Applied(done))
}

/// Carries out `plan`. Creates the state folder only if there is something to do. `known` is the store that the
/// plan was made from.
pub fn carry_out(project: &Project, known: Option<Store>, plan: PreparedPlan) -> Result<Vec<Done>, StateDirError> {
    match (known, plan.plan.is_empty()) {
        (None, true) => Ok(Vec::new()),
        (known, _) => Ok(apply::apply(&project_store::create(project, known)?, plan)),
    }
}
