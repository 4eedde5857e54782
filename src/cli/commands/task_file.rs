//! `dispatch task new`, `task edit` and `task done`.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::agents::sanitize_line;
use crate::cli::args::{NewTaskArgs, TaskAction};
use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, USAGE};
use crate::cli::{frames, output};
use crate::lifecycle::open_file;
use crate::lifecycle::project::Depth;
use crate::lifecycle::task_files::{self, NewTaskOptions};
use crate::model::task_status::TaskStatus;
use crate::os::process::foreground;

pub(super) fn run(context: &CommandContext, action: &TaskAction) -> CommandResult {
    match action {
        TaskAction::New(args) => new(context, args),
        TaskAction::Edit { task } => edit(context, task),
        TaskAction::Done { task } => done(context, task),
    }
}

fn new(context: &CommandContext, args: &NewTaskArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let title = args.title.join(" ");
    let options = NewTaskOptions { title: &title, id: args.id.as_deref(), like: args.like.as_deref() };
    let task = task_files::create(&project, options)?;
    if context.json {
        return output::json(&task);
    }
    let path = task.path.as_deref().map(frames::shown).unwrap_or_default();
    output::line(&sanitize_line(&format!("{} {path}", task.id)))?;
    Ok(ExitCode::SUCCESS)
}

fn edit(context: &CommandContext, typed: &str) -> CommandResult {
    if context.json {
        return Err(CliError::new(USAGE, "`task edit` has no JSON").hint(format!("dispatch task {typed} --json")));
    }
    let project = open(context, Depth::Shape)?;
    let tasks = project.tasks();
    let path = task_files::path_of(&project, tasks.find(typed)?)?;
    let editor = open_file::editor_of(&project)?;
    let mut words = vec![OsString::from(editor.program())];
    words.extend(editor.arguments(path, None));
    let error = foreground::become_in(&words, path.parent().unwrap_or(Path::new(".")));
    let message = format!("the editor `{}` cannot be started: {error}", editor.program());
    Err(CliError::new(USAGE, message).hint("set `editor:` in the manifest, VISUAL or EDITOR"))
}

fn done(context: &CommandContext, typed: &str) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let tasks = project.tasks();
    let change = task_files::set_status(&project, &tasks, tasks.find(typed)?, TaskStatus::Done)?;
    if context.json {
        return output::json(&change);
    }
    let path = frames::shown(&change.path);
    let line = match (change.changed, change.was.is_empty()) {
        (false, _) => format!("{} is done already: {path}", change.id),
        (true, true) => format!("{} is done: `{}` in {path}", change.id, change.status),
        (true, false) => format!("{} is done: `{}`, was `{}`, in {path}", change.id, change.status, change.was),
    };
    output::line(&sanitize_line(&line))?;
    Ok(ExitCode::SUCCESS)
}
