//! Checks resource limits for a whole process tree, and what a logout does to background jobs.

use crate::lifecycle::doctor::{Finding, FindingState, declared};
use crate::lifecycle::project::Project;
use crate::model::bytes::Bytes;
use crate::model::limits::Limits;
use crate::os::environment;
use crate::os::logout::{self, LogoutPolicy};
use crate::os::process::resource_scope::ResourceScope;

pub(super) fn limits(project: Option<&Project>) -> Vec<Finding> {
    let wanted = Limits { memory: Some(Bytes::new(1 << 30)), processes: Some(1000), cpu: None };
    vec![match ResourceScope::probe(&wanted, &environment::passed(&[])) {
        Some(ResourceScope::Group(_)) => Finding::ok("limits", "by cgroup, for the whole tree"),
        Some(ResourceScope::Systemd(_)) => {
            Finding::ok("limits", "by a scope of your systemd, for the agent's whole tree")
        }
        None => {
            let needs = |project: &Project| declared(project).any(|mode| mode.limits.processes.is_some());
            Finding::bad(
                "limits",
                FindingState::where_needed(project.is_some_and(needs)),
                "limits: partial (per process; no process limit)",
                "log in where `systemctl --user status` answers (cgroup v2), or run in a delegated cgroup v2",
            )
        }
    }]
}

pub(super) fn logout(_: Option<&Project>) -> Vec<Finding> {
    let user = environment::var_text("USER").unwrap_or_default();
    vec![logout_finding(logout::logout_policy(), &user)]
}

fn logout_finding(found: Option<LogoutPolicy>, user: &str) -> Finding {
    const SCOPE: &str = "loginctl enable-linger && systemd-run --user --scope tmux";
    match found {
        None => Finding::ok("logout", "no logind here: background jobs survive a logout"),
        Some(LogoutPolicy { kills: Some(false), .. }) => Finding::ok("logout", "background jobs survive a logout"),
        Some(LogoutPolicy { kills: Some(true), lingers: true }) => Finding::warn(
            "logout",
            "logind ends what your session started (`KillUserProcesses`); what your own systemd started goes on",
            "systemd-run --user --scope tmux",
        ),
        Some(LogoutPolicy { kills: Some(true), lingers: false }) => {
            Finding::warn("logout", "logind ends all that you started when you log out (`KillUserProcesses`)", SCOPE)
        }
        Some(LogoutPolicy { kills: None, lingers }) => {
            let linger = if lingers { "lingers" } else { "does not linger" };
            let found = format!("logind does not say whether it ends what runs; `{user}` {linger}");
            Finding::warn("logout", found, SCOPE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ends_jobs_is_warned_of() {
        let of = |kills, lingers| logout_finding(Some(LogoutPolicy { kills, lingers }), "ann");
        assert_eq!(logout_finding(None, "ann").state, FindingState::Ok);
        assert_eq!(of(Some(false), false).state, FindingState::Ok);
        assert!(of(Some(true), false).fix.unwrap().contains("enable-linger"));
        assert!(!of(Some(true), true).fix.unwrap().contains("enable-linger"));
        assert!(of(None, false).found.contains("`ann` does not linger"));
    }
}
