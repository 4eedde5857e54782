//! Checks whether tmux does what windows need, on a temporary server.

use crate::lifecycle::doctor::{Finding, FindingState, declared};
use crate::lifecycle::project::Project;
use crate::os::tmux::{self, TmuxProbe};

pub(super) fn examine(project: Option<&Project>) -> Vec<Finding> {
    let Some(version) = tmux::version().ok().filter(tmux::TmuxVersion::is_supported) else { return Vec::new() };
    let needed = project.is_none_or(|project| declared(project).any(|mode| mode.form.has_window()));
    let fix = format!("install another build of tmux, {} or newer", tmux::FLOOR);
    let bad = |found: String| vec![Finding::bad("windows", FindingState::where_needed(needed), found, fix.clone())];
    let probe = match tmux::probe() {
        Ok(probe) => probe,
        Err(error) => return bad(format!("a scratch server cannot be used: {error}")),
    };
    let fails = failures(&probe);
    if !fails.is_empty() {
        return bad(format!("this tmux does not keep to {}", fails.join(", ")));
    }
    let found = "exact targets, options, guarded ends and exit status work on a scratch server";
    if probe.signal {
        return vec![Finding::ok("windows", found)];
    }
    let says = format!("{found}; tmux {version} does not tell which signal ended an agent");
    vec![Finding::warn("windows", says, "install tmux 3.3 or newer")]
}

fn failures(probe: &TmuxProbe) -> Vec<&'static str> {
    let all = [
        (probe.exact_targets, "exact targets"),
        (probe.own_options, "options of one window"),
        (probe.guarded_kill, "guarded ends"),
        (probe.exit_status, "the exit status of dead panes"),
    ];
    all.into_iter().filter(|(works, _)| !works).map(|(_, what)| what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_that_does_not_work_is_named() {
        let good =
            TmuxProbe { exact_targets: true, own_options: true, guarded_kill: true, exit_status: true, signal: false };
        assert!(failures(&good).is_empty());
        assert_eq!(failures(&TmuxProbe { guarded_kill: false, ..good }), ["guarded ends"]);
        assert_eq!(failures(&TmuxProbe::default()).len(), 4);
    }
}
