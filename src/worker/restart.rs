//! Restarts a pair's run without waiting for the end of the new one, as `restart -d` does.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::lifecycle::failure::Failure;
use crate::lifecycle::project::Project;
use crate::lifecycle::restart::PreparedRestart;
use crate::model::started_by::StartedBy;
use crate::os::clock;
use crate::view::restart_view::{RestartView, changes};
use crate::view::run_view::RunView;
use crate::worker::perform::value;

pub(super) fn restart(project: &Project, mode: &str, task: &str, started_by: StartedBy) -> Result<Value, Failure> {
    let (mode, tasks) = (project.mode(mode)?, project.tasks());
    let restart = PreparedRestart::new(project, &tasks, (mode, tasks.find(task)?), started_by, BTreeMap::new())?;
    let run = RunView::new(&restart.carry_out(None)?, clock::now());
    let replaces = restart.replaced.id().to_string();
    value(&RestartView { run, replaces, changes: changes(&restart.changes) })
}
