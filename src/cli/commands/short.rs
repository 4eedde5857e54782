//! The short form: `dispatch MODE [TASK] [EXTRA...]`.

use std::ffi::OsString;

use crate::cli::args::RunOptions;
use crate::cli::commands::{open, run};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, USAGE};
use crate::lifecycle::project::{Depth, NameLookupError};
use crate::manifest::COMMANDS;
use crate::model::nearest::nearest;

pub(super) fn run(context: &CommandContext, words: Vec<OsString>) -> CommandResult {
    let mut texts = Vec::new();
    for word in words {
        texts.push(word.into_string().map_err(|word| {
            CliError::new(USAGE, format!("the argument `{}` is not UTF-8", word.to_string_lossy().escape_debug()))
                .hint("`--prompt -` reads any bytes from stdin")
        })?);
    }
    let mut texts = texts.into_iter();
    let typed = texts.next().unwrap_or_default();
    let project = open(context, Depth::Whole)?;
    let mode = match project.mode(&typed) {
        Ok(mode) => mode,
        Err(NameLookupError::UnknownMode { nearest: None, known, .. }) => {
            let all = COMMANDS.split(' ').chain(known.iter().map(String::as_str));
            let error = CliError::new(USAGE, format!("`{typed}` is neither a command nor a mode"));
            return Err(match nearest(&typed, all) {
                Some(name) => error.hint(format!("did you mean `{name}`?")),
                None => error.hint("`dispatch --help` lists commands, `dispatch modes` modes"),
            });
        }
        Err(error) => return Err(error.into()),
    };
    let warm = run::warm_client(&project, mode, &RunOptions::default());
    let tasks = project.tasks();
    let rest: Vec<String> = texts.collect();
    let from_worktree = || project.task_of_worktree(&tasks, mode).and_then(|task| tasks.get(&task.id));
    let (task, extras) = match rest.split_first() {
        // Only an id or a path certainly names a task: another word may be for the agent.
        Some((first, extras)) if tasks.find_id(first).is_ok() || first.contains('/') && tasks.find(first).is_ok() => {
            (tasks.find(first).map_err(CliError::from)?, extras.to_vec())
        }
        // In a task's worktree the task may be omitted: then all words are for the agent.
        Some((first, extras)) => match from_worktree() {
            Some(task) => (task, rest.clone()),
            None => (tasks.find(first).map_err(CliError::from)?, extras.to_vec()),
        },
        None => match from_worktree() {
            Some(task) => (task, Vec::new()),
            None => return Err(CliError::new(USAGE, "no task was named").hint(format!("dispatch {typed} TASK"))),
        },
    };
    // The separator `--` is not passed to the agent.
    let extras = match extras.split_first() {
        Some((first, rest)) if first == "--" => rest.to_vec(),
        _ => extras,
    };
    let named = run::NamedTasks { project: &project, tasks: &tasks, mode, named: &[task] };
    run::start(context, &named, warm, RunOptions::default(), extras)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::COMMANDS;
    use crate::cli::args::Cli;

    #[test]
    fn every_command_is_known_as_one() {
        let cli = Cli::command();
        for name in cli.get_subcommands().flat_map(clap::Command::get_name_and_visible_aliases) {
            assert!(COMMANDS.split(' ').any(|command| command == name), "{name}");
        }
    }
}
