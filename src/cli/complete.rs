//! Shell completion: modes from the manifest, ids from the tasks. Runs nothing and prints no problems.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::{CommandFactory as _, FromArgMatches as _};
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::CompleteEnv;

use crate::cli::args::{Cli, GlobalOptions, Shell};
use crate::cli::context;
use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::project::{Depth, Project};
use crate::os::environment;

/// Answers a shell's request for completions. `false`: an ordinary call, `COMPLETE` is not set.
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

/// zsh itself has a function `_dispatch`, the usual name of the completion file. This script works under any name and
/// restores zsh's function.
const ZSH: &str = include_str!("complete/dispatch.zsh");

/// The script that a shell loads; it calls `dispatch` for each completion.
pub(crate) fn script(shell: Shell) -> std::io::Result<Vec<u8>> {
    if shell == Shell::Zsh {
        return Ok(ZSH.as_bytes().to_vec());
    }
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

/// For the first word of a command that takes `[MODE] TASK`.
pub(crate) fn modes_and_tasks(typed: &OsStr) -> Vec<CompletionCandidate> {
    modes(typed).into_iter().chain(tasks(typed)).collect()
}

fn matching(typed: &OsStr, names: impl Iterator<Item = (String, String)>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    names
        .filter(|(name, _)| name.starts_with(&*typed))
        .map(|(name, help)| {
            let help = crate::agents::sanitize_line(&help);
            CompletionCandidate::new(name).help((!help.is_empty()).then(|| help.into()))
        })
        .collect()
}

fn project() -> Option<Project> {
    Project::open(&manifest_location(), Depth::Shape).ok()
}

/// The location of the manifest, by `-C` and `-f` of the completed command line.
fn manifest_location() -> ManifestLocation {
    // Called as `dispatch -- dispatch WORD...`, with the words as typed in the shell.
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let words = words.map(|word| word.to_str().map_or_else(|| word.clone(), |text| unquoted(text).into()));
    let parsed = Cli::command().ignore_errors(true).try_get_matches_from(words).ok();
    let mut global =
        parsed.as_ref().and_then(|matches| GlobalOptions::from_arg_matches(matches).ok()).unwrap_or_default();
    // In `logs`, `-f` means `--follow`; the manifest has only the long option.
    if let Some(("logs", logs)) = parsed.as_ref().and_then(clap::ArgMatches::subcommand) {
        global.file = logs.try_get_one::<PathBuf>("file").ok().flatten().cloned();
    }
    context::manifest_location(global.file, global.directory)
}

/// A word without shell quotes and with `~/` expanded.
fn unquoted(word: &str) -> String {
    let word = match shell_words::split(word) {
        Ok(words) if words.len() == 1 => words.concat(),
        _ => word.to_owned(),
    };
    match (word.strip_prefix("~/"), environment::var_text("HOME")) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ => word,
    }
}
