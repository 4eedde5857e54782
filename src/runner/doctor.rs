//! Trying out the machine: what a project here needs, what was seen of it, and the cure as a command.
//!
//! Whatever has to be waited for is waited for at the same time. Must not start an agent, nor leave
//! anything behind.

mod agents;
mod folders;
mod machine;
mod programs;
mod terminal;
mod windows;
mod worktrees;

use std::thread;

use crate::manifest::{Mode, Origin};
use crate::runner::locate::Whence;
use crate::runner::notify;
use crate::runner::project::{Depth, OpenError, Project};

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ok,
    /// Something will do less, or may fail one day.
    Warn,
    /// Something that is needed will fail.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub what: String,
    pub state: State,
    pub found: String,
    pub cure: Option<String>,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// What is missing is bad where it is needed.
    fn where_needed(needed: bool) -> Self {
        if needed { Self::Fail } else { Self::Warn }
    }
}

impl Finding {
    pub(crate) fn ok(what: &str, found: impl Into<String>) -> Self {
        Self { what: what.to_owned(), state: State::Ok, found: found.into(), cure: None }
    }

    pub(crate) fn warn(what: &str, found: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::bad(what, State::Warn, found, cure)
    }

    pub(crate) fn fail(what: &str, found: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::bad(what, State::Fail, found, cure)
    }

    pub(crate) fn bad(what: &str, state: State, found: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { what: what.to_owned(), state, found: found.into(), cure: Some(cure.into()) }
    }
}

/// Examines everything, in the order in which a person would mend it.
pub fn examine(whence: &Whence) -> Vec<Finding> {
    let (project, manifest) = match Project::open(whence, Depth::Whole) {
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
    let probes: [Probe; 10] = [
        programs::tmux,
        windows::examine,
        terminal::examine,
        agents::examine,
        programs::git,
        worktrees::examine,
        folders::examine,
        machine::logout,
        machine::limits,
        notify::examine,
    ];
    let mut findings = vec![manifest];
    thread::scope(|scope| {
        let asked: Vec<_> = probes.into_iter().map(|probe| scope.spawn(move || probe(project))).collect();
        findings.extend(asked.into_iter().flat_map(|probe| probe.join().unwrap_or_default()));
    });
    findings
}

/// What runs of this project will fail for, as far as a moment's look tells. The built-in mode
/// without a prompt does not count: a project may have no use for its agent.
pub(crate) fn missing(project: &Project) -> Vec<Finding> {
    let mut findings = vec![programs::tmux_finding(true)];
    findings.extend(programs::agents(project).into_iter().map(|agent| agent.finding()));
    findings.retain(|finding| finding.state == State::Fail);
    findings
}

/// The modes that somebody declared.
fn declared(project: &Project) -> impl Iterator<Item = &Mode> {
    project.manifest.modes.values().filter(|mode| !matches!(mode.origin, Origin::BuiltIn))
}

/// A word as a shell takes it.
fn quote(path: &std::path::Path) -> String {
    shell_words::quote(&path.display().to_string()).into_owned()
}
