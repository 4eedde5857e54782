//! `dispatch clean`: removes a task's worktree and merged branch, unless work would be lost.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::args::CleanArgs;
use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::output;
use crate::lifecycle::project::Depth;
use crate::lifecycle::worktree::clean;
use crate::view::work_view::CleanView;

pub(super) fn run(context: &CommandContext, args: &CleanArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let tasks = project.tasks();
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let done = clean::clean(&project, &tasks, tasks.find(&args.task)?, &here, args.dry_run)?;
    if context.json {
        return output::json(&done);
    }
    for line in lines(&done) {
        output::line(&crate::agents::sanitize_line(&line))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(done: &CleanView) -> Vec<String> {
    let verb = |present: &str, past: &str| if done.dry_run { format!("would {present}") } else { past.to_owned() };
    let mut lines = Vec::new();
    if done.removed {
        let mut line = format!("{} worktree {}", verb("remove", "removed"), done.path.display());
        if done.ignored_count > 0 {
            let more = if done.ignored_count > done.ignored.len() { ", …" } else { "" };
            line.push_str(&format!(", with what git ignores there: {}{more}", done.ignored.join(", ")));
        }
        lines.push(line);
    }
    match (done.branch_state, &done.branch_reason) {
        ("deleted", _) => lines.push(format!("{} branch {}", verb("delete", "deleted"), done.branch)),
        ("kept", Some(reason)) => lines.push(format!("{} branch {}: {reason}", verb("keep", "kept"), done.branch)),
        _ => {}
    }
    if lines.is_empty() {
        lines.push(format!("nothing to clean: {} has no worktree and no branch", done.task));
    }
    lines
}
