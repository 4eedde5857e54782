//! `dispatch merge`: brings a task's branch into its base.

use crate::cli::args::MergeArgs;
use crate::cli::commands::{clean, open};
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::output;
use crate::lifecycle::project::Depth;
use crate::lifecycle::worktree::merge::{self, MergeMethod, MergeOptions};
use crate::view::work_view::MergeView;

/// Characters of a commit id that are shown.
const SHOWN: usize = 10;

pub(super) fn run(context: &CommandContext, args: &MergeArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let tasks = project.tasks();
    let method = match (args.squash, args.rebase) {
        (true, _) => MergeMethod::Squash,
        (_, true) => MergeMethod::Rebase,
        _ => MergeMethod::Merge,
    };
    let options = MergeOptions { method, into: args.into.as_deref(), clean: args.clean, here: &clean::here() };
    let done = merge::merge(&project, &tasks, tasks.find(&args.task)?, options)?;
    if let (Some(checkout), true) = (&done.checkout, done.submodules_moved) {
        let checkout = checkout.display().to_string();
        let update = format!("git -C {} submodule update --init --recursive", shell_words::quote(&checkout));
        output::stderr(context).note(&format!("the submodules there are as before; `{update}` moves them"));
    }
    if context.json {
        return output::json(&done);
    }
    output::line(&crate::agents::sanitize_line(&line(&done)))?;
    match &done.clean {
        Some(cleaned) => clean::print(cleaned),
        None => Ok(std::process::ExitCode::SUCCESS),
    }
}

fn line(done: &MergeView) -> String {
    let MergeView { branch, base, commits, .. } = done;
    if done.method == "none" {
        return format!("nothing to merge: {base} has all changes of {branch}");
    }
    let short = |commit: &str| commit.get(..SHOWN).unwrap_or(commit).to_owned();
    let plural = if *commits == 1 { "commit" } else { "commits" };
    let (tip, from, to) = (short(&done.branch_commit), short(&done.from), short(&done.to));
    format!("merged {branch} ({tip}, {commits} {plural}) into {base}: {}, {from}..{to}", done.method)
}
