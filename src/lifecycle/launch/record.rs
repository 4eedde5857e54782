//! Builds the spec of a new run and writes its folder: the prompt, the environment for the agent and the spec.

use std::ffi::OsStr;
use std::io;

use crate::executor;
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::reconcile::drift;
use crate::lifecycle::store::Store;
use crate::model::run_id::RunId;
use crate::model::run_spec::{RunSpec, SPEC_VERSION};
use crate::model::started_by::StartedBy;
use crate::os::clock;
use crate::os::environment;
use crate::os::process::supervise;
use crate::store::run_folder::RunFolder;

pub(super) fn spec(
    store: &Store,
    prepared: &Prepared,
    run_id: RunId,
    folder: &RunFolder,
    parent: Option<RunId>,
    queued: bool,
) -> io::Result<RunSpec> {
    let mut launch = prepared.launch.clone();
    if parent.is_some() && launch.started_by == Some(StartedBy::Cli) {
        launch.started_by = Some(StartedBy::Run);
    }
    Ok(RunSpec {
        version: SPEC_VERSION,
        mode: prepared.pair.mode.clone(),
        task: prepared.pair.task.clone(),
        created_at: clock::now(),
        folder: folder.id()?,
        host_boot: store.host_boot().clone(),
        // A queued run may wait longer than the login session, whose end removes files in memory; and a node sees only the
        // run's own folder.
        environment: match queued || launch.kind.engine().is_some() {
            true => folder.path().join("env"),
            false => environment::waiting_place(folder.path(), run_id.as_str()),
        },
        umask: supervise::current_umask(),
        prompt_given: prepared.given.is_some(),
        parent_run: parent,
        declared: Some(drift::declared(prepared, &run_id)),
        run_id,
        launch,
    })
}

/// Writes the spec last: it completes the folder.
pub(super) fn write_run_folder(prepared: &Prepared, folder: &RunFolder, spec: &RunSpec) -> io::Result<()> {
    if let Some(prompt) = &prepared.prompt {
        folder.write_new(&folder.prompt(), prompt)?;
    }
    if let Some(given) = &prepared.given {
        folder.write_new(&folder.given(), given)?;
    }
    let mut environment = prepared.environment.clone();
    if let Some(engine) = spec.kind.engine() {
        // Those of this machine mean nothing on a node.
        let is_declared = |name: &OsStr| {
            name.to_str()
                .is_some_and(|name| prepared.declared_env.contains_key(name) || prepared.given_env.contains_key(name))
        };
        environment.retain(|name, _| is_declared(name) || !executor::engine(engine.engine).is_of_node(name));
    }
    for (name, value) in [
        ("DISPATCH_RUN_ID", spec.run_id.as_str()),
        ("DISPATCH_MODE", spec.mode.as_str()),
        ("DISPATCH_TASK", spec.task.as_str()),
    ] {
        environment.insert(name.into(), value.into());
    }
    environment.insert("DISPATCH_MANIFEST".into(), spec.manifest.clone().into_os_string());
    environment::hand_over(&spec.environment, &environment)?;
    folder.write_spec(spec)
}
