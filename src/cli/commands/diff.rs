//! `dispatch diff`: what was done in a task's worktree, shown by git itself.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use crate::cli::args::Diff as Args;
use crate::cli::commands::{Answer, open};
use crate::cli::interrupts::Interrupts;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::runner::diff;
use crate::runner::diff::DiffFormat;
use crate::runner::project::Depth;

pub(super) fn run(meant: &Meant, args: &Args) -> Answer {
    let project = open(meant, Depth::Shape)?;
    let tasks = project.tasks();
    let work = diff::work(&project, &tasks, tasks.find(&args.task)?)?;
    if meant.json {
        output::json(&work.view(0)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Ctrl-C is the pager's, as with git alone.
    let _interrupts = Interrupts::new()?;
    let paged = std::io::stdout().is_terminal();
    work.show(DiffFormat { stat: args.stat, colour: meant.colour.0, paged })?;
    Ok(ExitCode::SUCCESS)
}
