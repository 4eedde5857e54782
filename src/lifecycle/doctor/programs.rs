//! Checks that the needed programs exist and are new enough. Must be cheap: web pages show it too.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::agents::{self, Installation};
use crate::lifecycle::doctor::{Finding, FindingState, declared};
use crate::lifecycle::project::Project;
use crate::manifest::Agent;
use crate::model::run_form::RunForm;
use crate::os::environment;
use crate::os::git;
use crate::os::process::program::{self, ProgramError};
use crate::os::tmux;

#[derive(Debug)]
pub(super) struct AgentProgram<'a> {
    pub(super) agent: &'a Agent,
    name: String,
    /// A mode that is not built in uses the agent.
    pub(super) needed: bool,
    pub(super) path: Result<PathBuf, ProgramError>,
}

pub(super) fn tmux(project: Option<&Project>) -> Vec<Finding> {
    vec![tmux_finding(project.is_none_or(|project| declared(project).any(|mode| mode.form.has_window())))]
}

pub(super) fn tmux_finding(needed: bool) -> Finding {
    let missing = FindingState::where_needed(needed);
    let floor = tmux::FLOOR;
    match tmux::version() {
        Ok(version) if version.is_supported() => Finding::ok("tmux", version.to_string()),
        Ok(version) => Finding::bad(
            "tmux",
            missing,
            format!("{version} is too old; headless modes work without it"),
            format!("install tmux {floor} or newer"),
        ),
        Err(error) => Finding::bad(
            "tmux",
            missing,
            error.to_string(),
            format!("install tmux {floor} or newer; headless modes work without it"),
        ),
    }
}

pub(super) fn git(project: Option<&Project>) -> Vec<Finding> {
    let needed = project.is_some_and(|project| project.manifest.worktree.is_some());
    let (major, minor) = git::FLOOR;
    let fix = format!("install git {major}.{minor} or newer; without `worktree:` all works without it");
    vec![match git::version() {
        Ok((version, shown)) if version >= git::FLOOR => Finding::ok("git", shown),
        Ok((_, shown)) => Finding::bad("git", FindingState::where_needed(needed), format!("{shown} is too old"), fix),
        Err(error) => Finding::bad("git", FindingState::where_needed(needed), error.to_string(), fix),
    }]
}

/// The programs of all agents that a mode uses, each once.
pub(super) fn agents(project: &Project) -> Vec<AgentProgram<'_>> {
    let needed: BTreeSet<&str> = declared(project).map(|mode| mode.agent.as_str()).collect();
    let used: BTreeSet<&str> = project.manifest.modes.values().map(|mode| mode.agent.as_str()).collect();
    let search_path = environment::var("PATH");
    let mut found = Vec::new();
    for agent in project.manifest.agents.values().filter(|agent| used.contains(agent.name.as_str())) {
        let argvs = RunForm::ALL.into_iter().filter_map(|form| agent.argv(form));
        // Usually both commands use one program.
        let programs: BTreeSet<&String> = argvs.filter_map(|argv| argv.first()).collect();
        for name in programs {
            let path = program::find(name, search_path.as_deref(), &project.manifest.root);
            let needed = needed.contains(agent.name.as_str());
            found.push(AgentProgram { agent, name: name.clone(), needed, path });
        }
    }
    found
}

impl AgentProgram<'_> {
    pub(super) fn what(&self) -> String {
        format!("agent {}", self.agent.name)
    }

    pub(super) fn finding(&self) -> Finding {
        let missing = FindingState::where_needed(self.needed);
        match &self.path {
            Ok(path) => Finding::ok(&self.what(), path.display().to_string()),
            Err(error @ ProgramError::NotExecutable(path)) => {
                Finding::bad(&self.what(), missing, error.to_string(), format!("chmod +x {}", super::quote(path)))
            }
            Err(error @ ProgramError::NotFound { .. }) => {
                let fix = format!("install `{}`, or put it on PATH", self.name);
                Finding::bad(&self.what(), missing, error.to_string(), fix)
            }
        }
    }

    /// The commands that the program answers. `None` for a wrapper around the agent, whose answers are unknown.
    pub(super) fn installation(&self) -> Option<&'static Installation> {
        agents::of(self.agent.protocol).installation().filter(|installation| installation.is_program(&self.name))
    }
}
