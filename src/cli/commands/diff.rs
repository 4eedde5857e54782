//! `dispatch diff`: the changes of a task's worktree, shown by git.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use crate::cli::args::DiffArgs;
use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::output;
use crate::lifecycle::project::Depth;
use crate::lifecycle::worktree::diff::{self, DiffFormat};
use crate::os::interrupts::Interrupts;

pub(super) fn run(context: &CommandContext, args: &DiffArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let tasks = project.tasks();
    let work = diff::work(&project, &tasks, tasks.find(&args.task)?)?;
    if context.json {
        return output::json(&work.view(0)?);
    }
    // Ctrl-C is for the pager, as with git itself.
    let _interrupts = Interrupts::new()?;
    let paged = std::io::stdout().is_terminal();
    work.show(DiffFormat { stat: args.stat, colour: context.colour.0, paged })?;
    Ok(ExitCode::SUCCESS)
}
