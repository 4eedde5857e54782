//! `dispatch clean`: removes a task's worktree and merged branch, unless work would be lost.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::CleanArgs;
use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED};
use crate::cli::output;
use crate::lifecycle::project::Depth;
use crate::lifecycle::worktree::clean::{self, CleanOptions};
use crate::lifecycle::worktree::clean_merged::clean_merged;
use crate::view::work_view::CleanView;

pub(super) fn run(context: &CommandContext, args: &CleanArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let tasks = project.tasks();
    let task = tasks.find(args.task.as_deref().unwrap_or_default())?;
    let options = CleanOptions { here: &here(), dry: args.dry_run, merged: None };
    let done = clean::clean(&project, &tasks, task, options)?;
    if context.json {
        return output::json(&done);
    }
    print(&done)
}

/// `clean --merged`. Fails if something stands against the removal of a merged task's worktree.
pub(super) fn merged(context: &CommandContext, args: &CleanArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let options = CleanOptions { here: &here(), dry: args.dry_run, merged: None };
    let done = clean_merged(&project, &project.tasks(), options)?;
    let code = if done.iter().any(|(_, done)| done.is_err()) { ExitCode::from(FAILED) } else { ExitCode::SUCCESS };
    if context.json {
        let (mut cleaned, mut kept) = (Vec::new(), Vec::new());
        for (task, done) in done {
            match done {
                Ok(view) => cleaned.push(view),
                Err(error) => kept.push(json!({ "task": task, "error": CliError::from(error).view() })),
            }
        }
        output::json(&json!({ "cleaned": cleaned, "kept": kept }))?;
        return Ok(code);
    }
    if done.is_empty() {
        output::line("nothing to clean: no task has a merged branch")?;
    }
    for (_, done) in done {
        match done {
            Ok(view) => drop(print(&view)?),
            Err(error) => drop(CliError::from(error).report(context)),
        }
    }
    Ok(code)
}

/// The user's folder.
pub(super) fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}

pub(super) fn print(done: &CleanView) -> CommandResult {
    for line in lines(done) {
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
