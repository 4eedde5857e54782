//! The agents: of Claude Code also its version, and whether it is logged in as a run would be.
//!
//! Asks only what its own commands answer at once. Must not start a conversation: a `claude` before 2.1
//! would take the question for a prompt.

use std::ffi::OsStr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::model::protocol::Protocol;
use crate::runner::doctor::programs::{self, Found};
use crate::runner::doctor::{Finding, State, declared};
use crate::runner::first_run;
use crate::runner::project::Project;
use crate::system::environment::{self, Environment};
use crate::system::process::bounded::{BoundedError, Limits, Output, run_program};

/// It is usually there within half a second.
const LIMITS: Limits = Limits { time: Duration::from_secs(5), output: 64 << 10 };
/// The first that knows `auth status`, as far as that was tried.
const ASKS_SINCE: (u32, u32) = (2, 1);

pub(super) fn examine(project: Option<&Project>) -> Vec<Finding> {
    let Some(project) = project else { return Vec::new() };
    let found = programs::agents(project);
    thread::scope(|scope| {
        let asked: Vec<_> = found.iter().map(|found| scope.spawn(move || one(project, found))).collect();
        asked.into_iter().flat_map(|one| one.join().unwrap_or_default()).collect()
    })
}

fn one(project: &Project, found: &Found<'_>) -> Vec<Finding> {
    let finding = found.finding();
    let (Ok(path), Protocol::Claude, true) = (&found.place, found.agent.protocol, found.is_claude()) else {
        return vec![finding];
    };
    let environment = environment_of(project);
    let ask = |words: &[&str]| {
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        run_program(path, &words, &project.manifest.root, Some(&environment), b"", LIMITS)
    };
    let said = ask(&["--version"]);
    let text = said.as_ref().map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default();
    let Some(version) = version(&text) else {
        let why = match said {
            Ok(said) => format!("`{} --version` says nothing that can be read ({})", path.display(), said.status),
            Err(error) => format!("`{} --version`: {error}", path.display()),
        };
        let cure = "npm install -g @anthropic-ai/claude-code";
        return vec![Finding::bad(&found.what(), State::where_needed(found.needed), why, cure)];
    };
    let known = Finding::ok(&found.what(), format!("{} {text}", path.display()));
    if version < ASKS_SINCE {
        let cure = format!("{} update", super::quote(path));
        return vec![Finding::warn(&found.what(), format!("{}: too old to be asked more", known.found), cure)];
    }
    let mut findings = vec![known, login(found, path, ask(&["auth", "status"]))];
    findings.extend(first_run(project, found, &environment));
    findings
}

/// What a window would wait at before its agent begins. A headless one asks nothing. A worktree is
/// trusted with its main checkout.
fn first_run(project: &Project, found: &Found<'_>, environment: &Environment) -> Vec<Finding> {
    if !declared(project).any(|mode| mode.interactive && mode.agent == found.agent.name) {
        return Vec::new();
    }
    let what = format!("first run of {}", found.agent.name);
    let root = &project.manifest.root;
    match first_run::would_ask(root, environment) {
        Ok(asked) if asked.is_empty() => vec![Finding::ok(&what, format!("asks nothing in `{}`", root.display()))],
        Ok(asked) => asked
            .into_iter()
            .map(|dialog| {
                let found = format!("a window in `{}` would wait at the {}", root.display(), dialog.words());
                Finding::warn(&what, found, dialog.cure())
            })
            .collect(),
        Err(error) => vec![Finding::warn(&what, format!("cannot be told: {error}"), "run `claude` once in a terminal")],
    }
}

/// As a run of this project has it, but for what a mode adds.
fn environment_of(project: &Project) -> Environment {
    let mut environment = environment::passed(&project.manifest.pass_env);
    environment.extend(project.manifest.env.iter().map(|(name, value)| (name.into(), value.into())));
    environment
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split(' ').next()?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn login(found: &Found<'_>, path: &Path, output: Result<Output, BoundedError>) -> Finding {
    let what = format!("login of {}", found.agent.name);
    let ask = format!("{} auth status", super::quote(path));
    let output = match output {
        Ok(output) => output,
        Err(error) => return Finding::warn(&what, format!("cannot be told: {error}"), ask),
    };
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    match said["loggedIn"].as_bool() {
        Some(true) => {
            Finding::ok(&what, format!("logged in ({})", said["authMethod"].as_str().unwrap_or("its own way")))
        }
        Some(false) => Finding::bad(
            &what,
            State::where_needed(found.needed),
            "not logged in",
            format!("{} auth login; or `pass_env: [ANTHROPIC_API_KEY]`", super::quote(path)),
        ),
        None => Finding::warn(&what, format!("cannot be told: `auth status` ended with {}", output.status), ask),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_two_numbers_at_least() {
        assert_eq!(version("2.1.330 (Claude Code)"), Some((2, 1)));
        assert!(version("1.0.128 (Claude Code)") < Some(ASKS_SINCE));
        assert_eq!(version("hello"), None);
        assert_eq!(version(""), None);
    }
}
