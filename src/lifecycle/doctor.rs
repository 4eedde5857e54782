//! Checks that the machine has what a project needs. Output: findings, each with its fix.
//! The checks run in parallel. Must not start an agent or leave anything behind.

mod agents;
pub mod executors;
mod folders;
mod machine;
mod programs;
mod terminal;
mod windows;
mod worktrees;

use std::thread;

use crate::lifecycle::doctor::programs::AgentProgram;
use crate::lifecycle::notify;
use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::project::{Depth, OpenError, Project};
use crate::manifest::{Mode, Origin};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingState {
    Ok,
    /// Works partly, or may fail later.
    Warn,
    /// Something that is needed fails.
    Fail,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub what: String,
    pub state: FindingState,
    pub found: String,
    pub fix: Option<String>,
}

impl FindingState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// The state of something missing.
    fn where_needed(needed: bool) -> Self {
        if needed { Self::Fail } else { Self::Warn }
    }
}

impl Finding {
    pub(crate) fn ok(what: &str, found: impl Into<String>) -> Self {
        Self { what: what.to_owned(), state: FindingState::Ok, found: found.into(), fix: None }
    }

    pub(crate) fn warn(what: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::bad(what, FindingState::Warn, found, fix)
    }

    pub(crate) fn fail(what: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::bad(what, FindingState::Fail, found, fix)
    }

    pub(crate) fn bad(what: &str, state: FindingState, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.to_owned(), state, found: found.into(), fix: Some(fix.into()) }
    }
}

/// All findings, in the order in which to fix them.
pub fn examine(location: &ManifestLocation) -> Vec<Finding> {
    let (project, manifest) = match Project::open(location, Depth::Whole) {
        Ok(project) => {
            let found = Finding::ok("manifest", project.manifest.path.display().to_string());
            (Some(project), found)
        }
        Err(OpenError::NotFound { .. }) => (None, Finding::fail("manifest", "none here or above", "dispatch init")),
        Err(OpenError::Repository(error)) => (None, Finding::fail("repository", error.to_string(), error.fix())),
        Err(error @ OpenError::Problems { .. }) => {
            (None, Finding::fail("manifest", error.to_string(), "dispatch check"))
        }
    };
    let project = project.as_ref();
    type Probe = fn(Option<&Project>) -> Vec<Finding>;
    let probes: [Probe; 11] = [
        programs::tmux,
        windows::examine,
        terminal::examine,
        agents::examine,
        programs::git,
        worktrees::examine,
        folders::examine,
        machine::logout,
        machine::limits,
        executors::examine,
        notify::examine,
    ];
    let mut findings = vec![manifest];
    thread::scope(|scope| {
        let probes: Vec<_> = probes.into_iter().map(|probe| scope.spawn(move || probe(project))).collect();
        findings.extend(probes.into_iter().flat_map(|probe| probe.join().unwrap_or_default()));
    });
    findings
}

/// The missing programs without which runs of this project fail. The agent of the built-in mode does not count: the
/// project may not use it.
pub(crate) fn missing(project: &Project) -> Vec<Finding> {
    let mut findings = vec![programs::tmux_finding(true)];
    findings.extend(programs::agents(project).iter().map(AgentProgram::finding));
    findings.retain(|finding| finding.state == FindingState::Fail);
    findings
}

fn declared(project: &Project) -> impl Iterator<Item = &Mode> {
    project.manifest.modes.values().filter(|mode| !matches!(mode.origin, Origin::BuiltIn))
}

fn quote(path: &std::path::Path) -> String {
    shell_words::quote(&path.display().to_string()).into_owned()
}
