//! Checks each executor that a mode uses, by a job that runs on one of its nodes: whether the node sees the state folder,
//! the project and the agents, and whether this program runs there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use crate::executor::{self, EngineLook, JobWants, OwnerSignal};
use crate::lifecycle::doctor::{Finding, declared, programs};
use crate::lifecycle::project::Project;
use crate::model::engine::EngineExecutor;
use crate::model::engine_report::EngineReport;
use crate::model::node_probe::{PROBE_VERSION, ProbeAnswer, ProbeRequest};
use crate::os::clock::Stopwatch;
use crate::os::process::supervise;
use crate::os::{folder, ids};
use crate::store::probe_folder::{self, ProbeFolder};

/// How long a probe may wait for a node.
const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(100);

pub(super) fn examine(project: Option<&Project>) -> Vec<Finding> {
    let Some(project) = project else { return Vec::new() };
    let used: BTreeSet<&String> = declared(project).filter_map(|mode| mode.executor.as_ref()).collect();
    let executors = used.into_iter().filter_map(|name| project.manifest.executors.get(name));
    executors.flat_map(|executor| of_executor(project, executor)).collect()
}

/// On the node: `__probe FOLDER`. Fails if the request cannot be read or answered.
pub fn answer(folder: &std::path::Path, node: Option<String>) -> std::io::Result<()> {
    probe_folder::answer(folder, node)
}

fn of_executor(project: &Project, executor: &EngineExecutor) -> Vec<Finding> {
    let what = format!("executor {}", executor.name);
    let settings = match executor::engine(executor.engine).settings() {
        Ok(settings) => settings,
        Err(error) => {
            let fix = "make the engine's commands and its controller reachable from here";
            return vec![Finding::fail(&what, error.to_string(), fix)];
        }
    };
    let mut findings = vec![probe(project, executor, &what)];
    let modes = || declared(project).filter(|mode| mode.executor.as_ref() == Some(&executor.name));
    let grace = modes().map(|mode| mode.stop_grace.as_duration()).max().unwrap_or_default();
    if let Some(wait) = settings.kill_wait.filter(|wait| *wait < grace) {
        let found = format!("it kills a cancelled job after {} s, before `stop_grace` is over", wait.as_secs());
        findings.push(Finding::warn(&what, found, "lower `stop_grace`, or let the site raise its time"));
    }
    if settings.limits_memory == Some(false) && modes().any(|mode| mode.limits.memory.is_some()) {
        let found = "it counts `limits.memory` and does not hold jobs to it";
        findings.push(Finding::warn(&what, found, "let the site constrain memory"));
    }
    findings
}

/// Submits a job that answers what it sees, and waits for it.
fn probe(project: &Project, executor: &EngineExecutor, what: &str) -> Finding {
    match ask_node(project, executor) {
        Ok((answer, is_same)) => judge(what, &answer, is_same),
        Err(found) => Finding::fail(what, found, "dispatch check; then look into the engine's own logs"),
    }
}

fn judge(what: &str, answer: &ProbeAnswer, is_same: bool) -> Finding {
    let node = answer.node.as_deref().unwrap_or("its node");
    let list = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    if !answer.missing_folders.is_empty() {
        let found = format!("{node} does not see {}", list(&answer.missing_folders));
        return Finding::fail(what, found, "put the project on a file system that the nodes share, at the same path");
    }
    if !answer.missing_programs.is_empty() {
        let found = format!("{node} has no {}", list(&answer.missing_programs));
        return Finding::fail(what, found, "install it there at the same path");
    }
    let notes = match (is_same, answer.is_locked) {
        (true, true) => "",
        (true, false) => "; it does not see this machine's locks: two nodes may set up one worktree at the same time",
        (false, _) => "; it numbers files otherwise, which is no harm",
    };
    Finding::ok(what, format!("a job on {node} sees the project and its agents{notes}"))
}

/// The node's answer, and whether it sees the same folder; or why there is none.
fn ask_node(project: &Project, executor: &EngineExecutor) -> Result<(ProbeAnswer, bool), String> {
    let text = |error: std::io::Error| error.to_string();
    let state = &project.manifest.state_dir;
    let parent = folder::nearest(state).ok_or_else(|| format!("`{}` is in no folder", state.display()))?;
    let agents = programs::agents(project).into_iter().filter(|agent| agent.needed);
    let request = ProbeRequest {
        version: PROBE_VERSION,
        programs: agents.filter_map(|agent| agent.path.ok()).collect(),
        folders: vec![project.manifest.root.clone()],
    };
    let probe = ProbeFolder::create(&parent, &request).map_err(text)?;
    let program = executor.program.clone().map_or_else(supervise::own_program, Ok).map_err(text)?;
    let run = ids::new_run_id();
    let options = executor.options.clone();
    let wants = JobWants { run: run.clone(), program, options, memory: None, time: Some(PATIENCE) };
    let engine = executor::engine(executor.engine);
    engine.submit_probe(&wants, probe.path()).map_err(|error| error.to_string())?;
    let begun = Stopwatch::start();
    let found = loop {
        if let Some(answer) = probe.answer() {
            break Ok(answer);
        }
        let word = match engine.look(std::slice::from_ref(&run)) {
            EngineLook::Answer(words) => words.get(&run).cloned().unwrap_or(EngineReport::NotKnown),
            EngineLook::NoAnswer(words) => EngineReport::NoAnswer(words),
        };
        match word {
            EngineReport::Over { end, node } if probe.answer().is_none() => {
                let node = node.map_or_else(String::new, |node| format!(" on {node}"));
                break Err(format!(
                    "its job wrote nothing{node} ({end}): the state folder or this program is not there"
                ));
            }
            EngineReport::Waits { reason, .. } if begun.elapsed() > PATIENCE => {
                break Err(format!("its job still waits after {} s: {reason}", PATIENCE.as_secs()));
            }
            _ if begun.elapsed() > PATIENCE => break Err("its job did not answer in time".to_owned()),
            _ => std::thread::sleep(STEP),
        }
    };
    if found.is_err() {
        let _ = engine.signal(&run, OwnerSignal::Hard);
    }
    found
}
