//! `dispatch shell`: the user's shell in a task's worktree.

use std::ffi::OsString;

use crate::cli::args::ShellArgs;
use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED, USAGE};
use crate::cli::output;
use crate::lifecycle::project::Depth;
use crate::lifecycle::worktree::work;
use crate::os::environment;
use crate::os::process::foreground;

pub(super) fn run(context: &CommandContext, args: &ShellArgs) -> CommandResult {
    if context.json {
        return Err(CliError::new(USAGE, "`shell` has no JSON").hint(format!("dispatch diff {} --json", args.task)));
    }
    let project = open(context, Depth::Shape)?;
    let tasks = project.tasks();
    let task = tasks.find(&args.task)?;
    let worktree = work::existing_work_of(&project, &tasks, task)?;
    let folder = work::folder_in(&project, &worktree);
    let shell =
        environment::var("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| OsString::from("/bin/sh"));
    let note = format!("{} in {} ({}); `exit` leaves it", task.id, folder.display(), worktree.branch);
    output::stderr(context).note(&note);
    let error = foreground::become_in(std::slice::from_ref(&shell), &folder);
    Err(CliError::new(FAILED, format!("the shell `{}` cannot be started: {error}", shell.display())).hint("set SHELL"))
}
