//! Completion: modes from the manifest, ids from the tasks. Runs nothing and prints no problem.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::CompleteEnv;

use crate::cli::args::{Cli, Shell};
use crate::runner::locate::Whence;
use crate::runner::project::{Depth, Project};

/// Answers a shell that asks for completions (`COMPLETE` is set). False: an ordinary call.
pub(crate) fn answer() -> bool {
    if std::env::var_os("COMPLETE").is_none() {
        return false;
    }
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(Cli::command)
        .bin("dispatch")
        .try_complete(std::env::args_os(), here.as_deref())
        .unwrap_or(true)
}

/// The script that a shell loads: it calls back for each completion.
pub(crate) fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    let name = match shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Elvish => "elvish",
        Shell::Powershell => "powershell",
    };
    let shells = clap_complete::env::Shells::builtins();
    let Some(completer) = shells.completer(name) else { return Err(std::io::Error::other("no such shell")) };
    let mut script = Vec::new();
    completer.write_registration("COMPLETE", "dispatch", "dispatch", "dispatch", &mut script)?;
    Ok(script)
}

pub(crate) fn modes(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(project) = project() else { return Vec::new() };
    let modes = project.manifest.modes.values();
    matching(typed, modes.map(|mode| (mode.name.to_string(), mode.description.clone())))
}

pub(crate) fn tasks(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(project) = project() else { return Vec::new() };
    matching(typed, project.tasks().tasks().iter().map(|task| (task.id.to_string(), task.title.clone())))
}

fn matching(typed: &OsStr, names: impl Iterator<Item = (String, String)>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    names
        .filter(|(name, _)| name.starts_with(&*typed))
        .map(|(name, help)| {
            let help = crate::agent::sanitize_line(&help);
            CompletionCandidate::new(name).help((!help.is_empty()).then(|| help.into()))
        })
        .collect()
}

fn project() -> Option<Project> {
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    Project::open(&Whence { file: None, folder }, Depth::Shape).ok()
}
