//! Carries out the plan of `up` in a project. Refused inside a run.

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::project::{Project, project_store};
use crate::lifecycle::reconcile::apply::{self, Done};
use crate::lifecycle::store::Store;
use crate::os::environment;
use crate::plan::diff::Plan;
use crate::store::state_dir::StateDirError;
use crate::tasks::TaskSet;

/// Refuses `command` inside a run: an agent must not change the set of runs.
pub fn refuse_inside(command: &str) -> Result<(), Failure> {
    match environment::var("DISPATCH_RUN_ID") {
        None => Ok(()),
        Some(_) => Err(Failure::new(Kind::Usage, format!("`{command}` is refused inside a run"))
            .hint("it is for the person who watches the run")),
    }
}

/// Carries out `plan`. Creates the state folder only if there is something to do. `known` is the store that the
/// plan was made from.
pub fn carry_out(
    project: &Project,
    tasks: &TaskSet,
    known: Option<Store>,
    plan: &Plan,
) -> Result<Vec<Done>, StateDirError> {
    match (known, plan.is_empty()) {
        (None, true) => Ok(Vec::new()),
        (known, _) => Ok(apply::apply(project, tasks, &project_store::create(project, known)?, plan)),
    }
}
