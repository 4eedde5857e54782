//! Looking at the machine: what a project here needs, what is missing, and the cure.

use crate::manifest::{Mode, Origin};
use crate::model::bytes::Bytes;
use crate::model::limits::Limits;
use crate::runner::locate::Whence;
use crate::runner::notify;
use crate::runner::project::{Depth, OpenError, Project};
use crate::system::environment;
use crate::system::process::enclosure::Enclosure;
use crate::system::process::program;
use crate::system::tmux;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub what: String,
    /// `ok`, `missing` (something will fail) or `partial` (something will do less).
    pub state: &'static str,
    pub found: String,
    pub cure: Option<String>,
}

impl Finding {
    pub(super) fn ok(what: &str, found: impl Into<String>) -> Self {
        Self { what: what.to_owned(), state: "ok", found: found.into(), cure: None }
    }

    pub(super) fn bad(what: &str, state: &'static str, found: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { what: what.to_owned(), state, found: found.into(), cure: Some(cure.into()) }
    }
}

/// Examines everything. Changes nothing and starts no agent.
pub fn examine(whence: &Whence) -> Vec<Finding> {
    let mut findings = vec![tmux_finding(), git_finding()];
    match Project::open(whence, Depth::Whole) {
        Ok(project) => {
            findings.push(Finding::ok("manifest", project.manifest.path.display().to_string()));
            findings.extend(agents(&project));
            findings.push(state_folder(&project));
            findings.extend(notify::finding(&project));
        }
        Err(OpenError::NotFound { .. }) => {
            findings.push(Finding::bad("manifest", "missing", "none here or above", "`dispatch init` writes one"));
        }
        Err(error @ OpenError::Problems { .. }) => {
            findings.push(Finding::bad("manifest", "missing", error.to_string(), "`dispatch check` shows them"));
        }
    }
    findings.push(limits());
    findings
}

/// What runs of this project will fail for, as far as a moment's look tells. The built-in mode
/// without a prompt does not count: a project may have no use for its agent.
pub(crate) fn missing(project: &Project) -> Vec<Finding> {
    let modes = project.manifest.modes.values().filter(|mode| !matches!(mode.origin, Origin::BuiltIn));
    let mut findings = vec![tmux_finding()];
    findings.extend(agents_of(project, modes));
    findings.retain(|finding| finding.state == "missing");
    findings
}

fn tmux_finding() -> Finding {
    match tmux::version() {
        Ok(version) if version.is_supported() => Finding::ok("tmux", version.to_string()),
        Ok(version) => Finding::bad("tmux", "missing", format!("{version} is too old"), "install tmux 3.2 or newer"),
        Err(error) => {
            Finding::bad("tmux", "missing", error.to_string(), "install tmux; headless modes work without it")
        }
    }
}

fn git_finding() -> Finding {
    let path = environment::var("PATH");
    match program::find("git", path.as_deref(), std::path::Path::new("/")) {
        Ok(path) => Finding::ok("git", path.display().to_string()),
        Err(error) => Finding::bad("git", "partial", error.to_string(), "install git, if you want worktrees"),
    }
}

fn agents(project: &Project) -> Vec<Finding> {
    agents_of(project, project.manifest.modes.values())
}

fn agents_of<'a>(project: &Project, modes: impl Iterator<Item = &'a Mode>) -> Vec<Finding> {
    let used: std::collections::BTreeSet<&str> = modes.map(|mode| mode.agent.as_str()).collect();
    let path = environment::var("PATH");
    let mut findings = Vec::new();
    for agent in project.manifest.agents.values().filter(|agent| used.contains(agent.name.as_str())) {
        let programs: std::collections::BTreeSet<&str> = [true, false]
            .into_iter()
            .filter_map(|interactive| agent.argv(interactive)?.first())
            .map(String::as_str)
            .collect();
        for program in programs {
            let what = format!("agent {}", agent.name);
            findings.push(match program::find(program, path.as_deref(), &project.manifest.root) {
                Ok(path) => Finding::ok(&what, path.display().to_string()),
                Err(error) => {
                    Finding::bad(&what, "missing", error.to_string(), format!("install `{program}`, or put it on PATH"))
                }
            });
        }
    }
    findings
}

fn state_folder(project: &Project) -> Finding {
    let path = project.manifest.state_dir.display().to_string();
    match project.ledger() {
        Ok(Some(ledger)) => match ledger.observe() {
            Ok(observed) if observed.notices.is_empty() => Finding::ok("state folder", path),
            Ok(observed) => Finding::bad("state folder", "partial", path, observed.notices.join("; ")),
            Err(error) => {
                Finding::bad("state folder", "missing", error.to_string(), "delete `dispatch.db`: it is rebuilt")
            }
        },
        Ok(None) => Finding::ok("state folder", format!("{path} (not made yet)")),
        Err(error) => Finding::bad(
            "state folder",
            "missing",
            error.to_string(),
            "set `state_dir`, or make it yours with mode 700",
        ),
    }
}

fn limits() -> Finding {
    let wanted = Limits { memory: Some(Bytes::new(1 << 30)), processes: Some(1000), cpu: None };
    match Enclosure::probe(&wanted, &environment::passed(&[])) {
        Some(Enclosure::Group(_)) => Finding::ok("limits", "by cgroup, for the whole tree"),
        // Logind ends the user's systemd, and with it its scopes, with the last login session.
        Some(Enclosure::Scope(_)) => Finding::ok(
            "limits",
            "by a scope of your systemd, for the agent's whole tree; to outlive a logout: `loginctl enable-linger`",
        ),
        None => Finding::bad(
            "limits",
            "partial",
            "limits: partial (per process; no process limit)",
            "log in where `systemctl --user status` answers (cgroup v2), or run in a delegated cgroup v2",
        ),
    }
}
