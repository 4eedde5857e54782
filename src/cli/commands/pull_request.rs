//! `dispatch pr`: pushes a task's branch and opens a pull request.

use std::process::ExitCode;

use crate::cli::args::PullRequestArgs;
use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::output;
use crate::lifecycle::project::Depth;
use crate::lifecycle::worktree::pull_request::{self, PullRequestOptions};

pub(super) fn run(context: &CommandContext, args: &PullRequestArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let tasks = project.tasks();
    let options = PullRequestOptions { base: args.base.as_deref(), draft: args.draft };
    let done = pull_request::open(&project, &tasks, tasks.find(&args.task)?, options)?;
    if context.json {
        return output::json(&done);
    }
    output::stderr(context).note(&format!("pushed {} to {}", done.branch, done.remote));
    output::line(&crate::agents::sanitize_line(&done.url))?;
    Ok(ExitCode::SUCCESS)
}
