//! Checks the agents' programs. If the protocol knows their commands: also the version, the login that a run would
//! use, and the dialogs at which a window would wait.
//!
//! Must run only commands that answer within seconds, and must not start a conversation.

use std::ffi::OsStr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::agents::{self, Installation};
use crate::lifecycle::doctor::programs::{self, AgentProgram};
use crate::lifecycle::doctor::{Finding, FindingState, declared};
use crate::lifecycle::launch::onboarding;
use crate::lifecycle::project::Project;
use crate::os::environment::{self, Environment};
use crate::os::process::bounded::{BoundedError, ChildLimits, ChildOutput, run_program};

/// Agents usually answer within half a second.
const LIMITS: ChildLimits = ChildLimits { time: Duration::from_secs(5), output: 64 << 10 };

pub(super) fn examine(project: Option<&Project>) -> Vec<Finding> {
    let Some(project) = project else { return Vec::new() };
    let found = programs::agents(project);
    thread::scope(|scope| {
        let asked: Vec<_> = found.iter().map(|found| scope.spawn(move || one(project, found))).collect();
        asked.into_iter().flat_map(|one| one.join().unwrap_or_default()).collect()
    })
}

fn one(project: &Project, found: &AgentProgram<'_>) -> Vec<Finding> {
    let finding = found.finding();
    let (Ok(path), Some(installation)) = (&found.path, found.installation()) else { return vec![finding] };
    let environment = environment_of(project);
    let ask = |words: &[&str]| {
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        run_program(path, &words, &project.manifest.root, Some(&environment), b"", LIMITS)
    };
    let said = ask(installation.version_args);
    let text = said.as_ref().map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default();
    let Some(version) = version(&text) else {
        let asked = format!("{} {}", path.display(), installation.version_args.join(" "));
        let why = match said {
            Ok(said) => format!("`{asked}` says nothing that can be read ({})", said.status),
            Err(error) => format!("`{asked}`: {error}"),
        };
        return vec![Finding::bad(&found.what(), FindingState::where_needed(found.needed), why, installation.install)];
    };
    let known = Finding::ok(&found.what(), format!("{} {text}", path.display()));
    if version < installation.login_since {
        let fix = format!("{} {}", super::quote(path), installation.update);
        return vec![Finding::warn(&found.what(), format!("{}: too old to be asked more", known.found), fix)];
    }
    let mut findings = vec![known, login(found, installation, path, ask(installation.login_args))];
    findings.extend(onboarding(project, found, installation, &environment));
    findings
}

/// The dialogs at which a window would wait before its agent starts; a headless agent shows none. A worktree is
/// trusted together with its main checkout.
fn onboarding(
    project: &Project,
    found: &AgentProgram<'_>,
    installation: &Installation,
    environment: &Environment,
) -> Vec<Finding> {
    let Some(protocol) = agents::of(found.agent.protocol).window() else { return Vec::new() };
    if !declared(project).any(|mode| mode.form.has_window() && mode.agent == found.agent.name) {
        return Vec::new();
    }
    let what = format!("first run of {}", found.agent.name);
    let root = &project.manifest.root;
    match onboarding::dialogs(protocol, root, environment) {
        Ok(asked) if asked.is_empty() => vec![Finding::ok(&what, format!("asks nothing in `{}`", root.display()))],
        Ok(asked) => asked
            .into_iter()
            .map(|dialog| {
                let found = format!("a window in `{}` would wait at the {}", root.display(), dialog.name);
                Finding::warn(&what, found, dialog.fix)
            })
            .collect(),
        Err(error) => vec![Finding::warn(&what, format!("cannot be told: {error}"), installation.onboard)],
    }
}

/// The environment of a run of this project, without the variables that a mode adds.
fn environment_of(project: &Project) -> Environment {
    let mut environment = environment::passed(&project.manifest.pass_env);
    environment.extend(project.manifest.env.iter().map(|(name, value)| (name.into(), value.into())));
    environment
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(' ').next()?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn login(
    found: &AgentProgram<'_>,
    installation: &Installation,
    path: &Path,
    output: Result<ChildOutput, BoundedError>,
) -> Finding {
    let what = format!("login of {}", found.agent.name);
    let args = installation.login_args.join(" ");
    let ask = format!("{} {args}", super::quote(path));
    let output = match output {
        Ok(output) => output,
        Err(error) => return Finding::warn(&what, format!("cannot be told: {error}"), ask),
    };
    match (installation.read_login)(&output.stdout) {
        Some(login) if login.is_logged_in => {
            Finding::ok(&what, format!("logged in ({})", login.method.as_deref().unwrap_or("its own way")))
        }
        Some(_) => Finding::bad(
            &what,
            FindingState::where_needed(found.needed),
            "not logged in",
            format!("{} {}", super::quote(path), installation.log_in),
        ),
        None => Finding::warn(&what, format!("cannot be told: `{args}` ended with {}", output.status), ask),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_two_numbers_at_least() {
        assert_eq!(version("2.1.330 (Claude Code)"), Some((2, 1)));
        assert!(version("1.0.128 (Claude Code)") < Some((2, 1)));
        assert_eq!(version("hello"), None);
        assert_eq!(version(""), None);
    }
}
