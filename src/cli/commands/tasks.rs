//! `dispatch tasks` and `dispatch task ID`.

use std::process::ExitCode;

use crate::agent::sanitize_line;
use crate::cli::args::Task as Args;
use crate::cli::commands::{Answer, open};
use crate::cli::frames;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::cli::table::{self, Cell};
use crate::model::task_status::TaskStatus;
use crate::runner::project::Depth;
use crate::runner::show;
use crate::view::task_view::{ProgressView, TaskDetail, TaskView};

pub(super) fn list(meant: &Meant) -> Answer {
    let project = open(meant, Depth::Shape)?;
    let set = project.tasks();
    if meant.json {
        output::json(&show::tasks(&set))?;
        return Ok(ExitCode::SUCCESS);
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
        output::stderr(meant).note("there are no tasks; `tasks:` in the manifest says where to look");
    } else {
        let text = table::render(&["TASK", "STATUS", "TITLE", "FROM"], &rows, table::terminal_width(), meant.colour.0);
        output::write(text.as_bytes())?;
    }
    output::stderr(meant).problems(set.problems());
    Ok(ExitCode::SUCCESS)
}

/// `2 of 5 done, 1 succeeded, 1 failed, 1 waiting`.
fn words(progress: ProgressView) -> String {
    let ProgressView { all, done, succeeded, failed, running, waiting } = progress;
    let mut text = format!("{done} of {all} done");
    for (count, word) in [(succeeded, "succeeded"), (failed, "failed"), (running, "running"), (waiting, "waiting")] {
        if count > 0 {
            text.push_str(&format!(", {count} {word}"));
        }
    }
    text
}

pub(super) fn show(meant: &Meant, args: &Args) -> Answer {
    let project = open(meant, Depth::Shape)?;
    let set = project.tasks();
    let detail = show::task(&project, &set, &args.task)?;
    if meant.json {
        output::json(&detail)?;
        return Ok(ExitCode::SUCCESS);
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
    row("progress", &progress.map(words).unwrap_or_default())?;
    row("depends on", &view.depends_on.join(", "))?;
    row("from", &view.path.as_deref().map(frames::shown).unwrap_or_default())?;
    let done = checklist.iter().filter(|item| item.done).count();
    if !checklist.is_empty() {
        row("checklist", &format!("{done} of {} done", checklist.len()))?;
    }
    if !body.trim().is_empty() {
        let mut text = b"\n".to_vec();
        let mut sanitizer = crate::agent::Sanitizer::new();
        sanitizer.feed(body.as_bytes(), &mut text);
        sanitizer.finish(&mut text);
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        output::write(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}
