//! `dispatch tasks` and `dispatch task ID`.

use std::process::ExitCode;

use crate::agents::sanitize_line;
use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::table::{self, Cell};
use crate::cli::{frames, output};
use crate::lifecycle::project::{Depth, show};
use crate::model::task_status::TaskStatus;
use crate::view::task_view::{ProgressView, TaskDetail, TaskView};

pub(super) fn list(context: &CommandContext) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let set = project.tasks();
    if context.json {
        return output::json(&show::tasks(&set));
    }
    let rows: Vec<Vec<Cell>> = set
        .tasks()
        .iter()
        .map(|task| {
            let colour = match task.status {
                Some(TaskStatus::Done | TaskStatus::Archived) => "2",
                Some(TaskStatus::InProgress | TaskStatus::Review) => "36",
                Some(TaskStatus::Blocked) => "31",
                _ => "0",
            };
            let view = TaskView::new(task);
            let indent = if task.parent.is_some() { "  " } else { "" };
            let path = task.path.as_deref().map(frames::shown).unwrap_or_else(|| "dispatch.yaml".to_owned());
            vec![
                Cell::new(format!("{indent}{}", view.id)),
                Cell::coloured(view.status, colour),
                Cell::new(view.title),
                Cell::new(path),
            ]
        })
        .collect();
    if rows.is_empty() {
        output::stderr(context).note("there are no tasks; `tasks:` in the manifest says where to look");
    } else {
        let text =
            table::render(&["TASK", "STATUS", "TITLE", "FROM"], &rows, table::terminal_width(), context.colour.0);
        output::write(text.as_bytes())?;
    }
    output::stderr(context).problems(set.problems());
    Ok(ExitCode::SUCCESS)
}

/// `2 of 5 done, 1 succeeded, 1 failed, 1 waiting`.
fn progress_text(progress: ProgressView) -> String {
    let ProgressView { all, done, succeeded, failed, running, waiting } = progress;
    let mut text = format!("{done} of {all} done");
    for (count, word) in [(succeeded, "succeeded"), (failed, "failed"), (running, "running"), (waiting, "waiting")] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    text
}

pub(super) fn show(context: &CommandContext, typed: &str) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let set = project.tasks();
    let detail = show::task(&project, &set, typed)?;
    if context.json {
        return output::json(&detail);
    }
    let TaskDetail { task: view, body, checklist, progress, meta: _ } = detail;
    output::line(&format!("{}: {}", view.id, sanitize_line(&view.title)))?;
    let row = |name: &str, value: &str| match value.is_empty() {
        true => Ok(()),
        false => output::line(&format!("  {name:<10} {}", sanitize_line(value))),
    };
    row("status", &view.status)?;
    row("type", &view.kind)?;
    row("priority", &view.priority)?;
    row("area", &view.area)?;
    row("tags", &view.tags.join(", "))?;
    row("assignee", &view.assignee)?;
    row("parent", view.parent.as_deref().unwrap_or_default())?;
    row("subtasks", &view.subtasks.join(", "))?;
    row("progress", &progress.map(progress_text).unwrap_or_default())?;
    row("depends on", &view.depends_on.join(", "))?;
    row("from", &view.path.as_deref().map(frames::shown).unwrap_or_default())?;
    let done = checklist.iter().filter(|item| item.done).count();
    if !checklist.is_empty() {
        row("checklist", &format!("{done} of {} done", checklist.len()))?;
    }
    if !body.trim().is_empty() {
        let mut text = [b"\n", output::sanitized(body.as_bytes()).as_slice()].concat();
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        output::write(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}
