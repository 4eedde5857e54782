//! Computes drift: the fields in which an active run differs from what a start would write now.
//!
//! Every field of a prepared run is either compared or excluded with a reason. The patterns below list all
//! fields, so a new field does not compile until that is decided.

mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::agents;
use crate::lifecycle::launch::prepare::{self, Prepared};
use crate::lifecycle::launch::request::StartRequest;
use crate::lifecycle::launch::spec_fingerprint::SpecFingerprints;
use crate::lifecycle::project::Project;
use crate::lifecycle::store::Store;
use crate::model::conditions::Conditions;
use crate::model::declared::Declared;
use crate::model::engine::EngineExecutor;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_spec::{JobSpec, LaunchSpec, RunKind, RunSpec, WindowSpec, WorktreeSpec};
use crate::os::fingerprint::Digest;
use crate::plan::drift::{Change, Drift};
use crate::store::run_folder::RunFolder;
use crate::tasks::TaskSet;

/// The fields that differ; empty if the mode or the task no longer exists.
pub(crate) fn of(
    project: &Project,
    tasks: &TaskSet,
    store: &Store,
    run: &Run,
    fingerprints: &mut SpecFingerprints<'_>,
) -> Vec<Drift> {
    let (Some(mode), Some(task)) = (project.manifest.modes.get(&run.facts.mode), tasks.get(&run.facts.task)) else {
        return Vec::new();
    };
    if run.facts.spec_fingerprint.is_some() && run.facts.spec_fingerprint == fingerprints.of(mode, task) {
        return Vec::new();
    }
    let folder = store.folder(run.id());
    let Ok(spec) = folder.read_spec() else { return Vec::new() };
    match prepare::prepare(project, tasks, mode, task, &StartRequest::default(), None) {
        Ok(prepared) => between(&folder, &spec, &prepared),
        // With the current manifest a start would fail.
        Err(error) => vec![Drift::CannotStart(error.to_string())],
    }
}

/// The fields in which `prepared` differs from the run of `folder` and `spec`.
pub(crate) fn between(folder: &RunFolder, spec: &RunSpec, prepared: &Prepared) -> Vec<Drift> {
    let mut fields = differing(spec, prepared);
    if spec.resumes.is_none() {
        let was = folder.read_prompt().ok();
        let now = prepared.prompt.as_deref().unwrap_or_default();
        if was.as_deref() != Some(now) {
            let values = values::of_prompts(&was.unwrap_or_default(), now);
            fields.push(Drift::Field { name: "prompt", values: Some(Box::new(values)) });
        }
    }
    fields
}

/// The part of the spec that is recorded only to detect drift later.
pub(crate) fn declared(prepared: &Prepared, run: &RunId) -> Declared {
    Declared {
        env: env_hashes(prepared, run),
        pass_env: prepared.pass_env.clone(),
        worktree: prepared.declared_worktree.clone(),
    }
}

fn env_hashes(prepared: &Prepared, run: &RunId) -> BTreeMap<String, String> {
    let declared = prepared.declared_env.iter();
    let mut hashes: BTreeMap<String, String> =
        declared.map(|(name, value)| (name.clone(), hash(run, name, value.as_bytes()))).collect();
    hashes.extend(given_hashes(prepared, run));
    hashes
}

/// The variables given for this run only, each with the hash of its value.
pub(crate) fn given_hashes(prepared: &Prepared, run: &RunId) -> BTreeMap<String, String> {
    let given = prepared.given_env.iter();
    given.map(|(name, value)| (name.clone(), hash(run, name, value.as_encoded_bytes()))).collect()
}

/// Hashes run id and name too: equal values of other runs or names cannot be recognised in the record.
fn hash(run: &RunId, name: &str, value: &[u8]) -> String {
    let mut digest = Digest::default();
    for piece in [run.as_str().as_bytes(), name.as_bytes(), value] {
        digest.add(piece);
    }
    digest.finish()
}

#[derive(Debug, Default)]
struct DriftList(Vec<Drift>);

impl DriftList {
    fn compare<T: PartialEq + Serialize>(&mut self, name: &'static str, was: &T, would_be: &T) {
        if was != would_be {
            let values = Some(Box::new(values::of(was, would_be)));
            self.0.push(Drift::Field { name, values });
        }
    }
}

fn differing(spec: &RunSpec, prepared: &Prepared) -> Vec<Drift> {
    let LaunchSpec {
        argv,
        program,
        cwd,
        delivery,
        protocol,
        stop_grace,
        session_id,
        resumes,
        conditions,
        kind,
        // The origin of the start, not its content.
        manifest: _,
        by_up: _,
        started_by: _,
        restarts: _,
        // A name only; its program and arguments are compared.
        agent: _,
        // A hash of the inputs of preparation; compared before.
        spec_fingerprint: _,
        // Follows from the protocol and the delivery.
        dash_dash: _,
        // Contained in `argv`.
        extras: _,
        // Contained in `argv`, the prompt, `timeout` and the variables of `declared`.
        overrides: _,
        // Present only if the run has to create it; `declared` always records it.
        worktree: _,
        // Depends on the starter's environment: the names that are not passed on.
        not_passed: _,
        // Read from the manifest after the end.
        keep: _,
    } = &spec.launch;
    let mut fields = DriftList::default();
    let was = agents::of(*protocol).argv_without_conversation(argv, session_id.as_deref());
    let now = agents::of(prepared.protocol).argv_without_conversation(&prepared.argv, prepared.session_id.as_deref());
    fields.compare("argv", &was, &now);
    fields.compare("program", program, &prepared.program);
    fields.compare("protocol", protocol, &prepared.protocol);
    fields.compare("cwd", cwd, &prepared.cwd);
    // The resumed conversation already contains the mode's prompt, whatever its delivery was.
    if resumes.is_none() {
        fields.compare("delivery", delivery, &prepared.delivery);
    }
    fields.compare("stop_grace", stop_grace, &prepared.stop_grace);
    if let Some(declared) = &spec.declared {
        compare_declared(&mut fields, &spec.run_id, declared, prepared);
    }
    compare_conditions(&mut fields, conditions, &prepared.conditions);
    compare_kind(&mut fields, kind, &prepared.kind);
    fields.0
}

/// What decides where and how an engine runs a job. `max_jobs` and `lease` do not.
fn placing(engine: Option<&EngineExecutor>) -> Option<(&str, &[String], Option<&PathBuf>)> {
    engine.map(|executor| (executor.name.as_str(), executor.options.as_slice(), executor.program.as_ref()))
}

fn compare_declared(fields: &mut DriftList, run: &RunId, was: &Declared, prepared: &Prepared) {
    let Declared { env, pass_env, worktree } = was;
    let now = env_hashes(prepared, run);
    for (name, hash) in env {
        let change = match now.get(name) {
            None => Change::Removed,
            Some(now) if now != hash => Change::Changed,
            Some(_) => continue,
        };
        fields.0.push(Drift::Env(name.clone(), change));
    }
    let added = now.keys().filter(|name| !env.contains_key(*name));
    fields.0.extend(added.map(|name| Drift::Env(name.clone(), Change::Added)));
    let passed = |name: &String, change| Drift::PassEnv(name.clone(), change);
    fields.0.extend(pass_env.difference(&prepared.pass_env).map(|name| passed(name, Change::Removed)));
    fields.0.extend(prepared.pass_env.difference(pass_env).map(|name| passed(name, Change::Added)));
    match (worktree, &prepared.declared_worktree) {
        (Some(was), Some(now)) => compare_worktree(fields, was, now),
        (was, now) => fields.compare("worktree", was, now),
    }
}

fn compare_worktree(fields: &mut DriftList, was: &WorktreeSpec, now: &WorktreeSpec) {
    let WorktreeSpec {
        path,
        branch,
        submodules,
        copy,
        setup,
        // Follow from the location of the manifest.
        repository: _,
        project: _,
        below: _,
        // Only used to create a branch; the base may follow the main checkout's branch.
        base: _,
        fetch: _,
    } = was;
    fields.compare("worktree.path", path, &now.path);
    fields.compare("worktree.branch", branch, &now.branch);
    fields.compare("worktree.submodules", submodules, &now.submodules);
    fields.compare("worktree.copy", copy, &now.copy);
    fields.compare("worktree.setup", setup, &now.setup);
}

fn compare_conditions(fields: &mut DriftList, was: &Conditions, now: &Conditions) {
    let Conditions {
        gate,
        exclusive,
        budget_day,
        // Differs with each start: the runs that this one waited for.
        after: _,
    } = was;
    fields.compare("gate", gate, &now.gate);
    fields.compare("exclusive", exclusive, &now.exclusive);
    fields.compare("budget.day", budget_day, &now.budget_day);
}

fn compare_kind(fields: &mut DriftList, was: &RunKind, now: &RunKind) {
    match (was, now) {
        (
            RunKind::Interactive(WindowSpec {
                session,
                cleanup_on_exit,
                // Depends on the starter's `DISPATCH_TMUX_SOCKET` and `TMUX_TMPDIR`.
                socket: _,
            }),
            RunKind::Interactive(now),
        ) => {
            fields.compare("session", session, &now.session);
            fields.compare("cleanup_on_exit", cleanup_on_exit, &now.cleanup_on_exit);
        }
        (
            RunKind::Headless(JobSpec {
                timeout,
                exit_grace,
                log_max,
                limits,
                save_to,
                expect,
                retry,
                tracked,
                engine,
                // `jobs` and `-j` limit the number of concurrent runs, not what runs.
                slots: _,
            }),
            RunKind::Headless(now),
        ) => {
            fields.compare("timeout", timeout, &now.timeout);
            fields.compare("exit_grace", exit_grace, &now.exit_grace);
            fields.compare("log_max", log_max, &now.log_max);
            fields.compare("limits", limits, &now.limits);
            fields.compare("save_to", save_to, &now.save_to);
            fields.compare("expect", expect, &now.expect);
            fields.compare("retry", retry, &now.retry);
            fields.compare("sources", tracked, &now.tracked);
            fields.compare("executor", &placing(engine.as_ref()), &placing(now.engine.as_ref()));
        }
        (RunKind::Interactive(_), RunKind::Headless(_)) | (RunKind::Headless(_), RunKind::Interactive(_)) => {
            fields.0.push(Drift::of_field("interactive"));
        }
    }
}
