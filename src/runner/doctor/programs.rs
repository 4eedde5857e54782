//! The programs that are needed: are they there, and new enough? A moment's look, which pages take too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::agent::{self, Installation};
use crate::manifest::Agent;
use crate::runner::doctor::{Finding, State, declared};
use crate::runner::project::Project;
use crate::system::environment;
use crate::system::git;
use crate::system::process::program::{self, ProgramError};
use crate::system::tmux;

/// A program that an agent is started by.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) agent: &'a Agent,
    name: String,
    /// A mode that somebody declared uses it.
    pub(super) needed: bool,
    pub(super) place: Result<PathBuf, ProgramError>,
}

pub(super) fn tmux(project: Option<&Project>) -> Vec<Finding> {
    vec![tmux_finding(project.is_none_or(|project| declared(project).any(|mode| mode.interactive)))]
}

pub(super) fn tmux_finding(needed: bool) -> Finding {
    let missing = State::where_needed(needed);
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
    let cure = format!("install git {major}.{minor} or newer; without `worktree:` all works without it");
    vec![match git::version() {
        Ok((version, shown)) if version >= git::FLOOR => Finding::ok("git", shown),
        Ok((_, shown)) => Finding::bad("git", State::where_needed(needed), format!("{shown} is too old"), cure),
        Err(error) => Finding::bad("git", State::where_needed(needed), error.to_string(), cure),
    }]
}

/// The programs of all agents that a mode uses, each once.
pub(super) fn agents(project: &Project) -> Vec<Found<'_>> {
    let needed: BTreeSet<&str> = declared(project).map(|mode| mode.agent.as_str()).collect();
    let used: BTreeSet<&str> = project.manifest.modes.values().map(|mode| mode.agent.as_str()).collect();
    let path = environment::var("PATH");
    let mut found = Vec::new();
    for agent in project.manifest.agents.values().filter(|agent| used.contains(agent.name.as_str())) {
        let argvs = [true, false].into_iter().filter_map(|interactive| agent.argv(interactive));
        // By their names: both forms are of one program, usually.
        let programs: BTreeMap<&String, ()> = argvs.filter_map(|argv| argv.first()).map(|name| (name, ())).collect();
        for name in programs.into_keys() {
            let place = program::find(name, path.as_deref(), &project.manifest.root);
            let needed = needed.contains(agent.name.as_str());
            found.push(Found { agent, name: name.clone(), needed, place });
        }
    }
    found
}

impl Found<'_> {
    pub(super) fn what(&self) -> String {
        format!("agent {}", self.agent.name)
    }

    pub(super) fn finding(&self) -> Finding {
        let missing = State::where_needed(self.needed);
        match &self.place {
            Ok(path) => Finding::ok(&self.what(), path.display().to_string()),
            Err(error @ ProgramError::NotExecutable(path)) => {
                Finding::bad(&self.what(), missing, error.to_string(), format!("chmod +x {}", super::quote(path)))
            }
            Err(error @ ProgramError::NotFound { .. }) => {
                let cure = format!("install `{}`, or put it on PATH", self.name);
                Finding::bad(&self.what(), missing, error.to_string(), cure)
            }
        }
    }

    /// What the program can be asked. `None` for a wrapper around the agent, whose answers are not known.
    pub(super) fn installation(&self) -> Option<&'static Installation> {
        agent::of(self.agent.protocol).installation().filter(|installation| installation.is_program(&self.name))
    }
}
