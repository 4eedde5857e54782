//! `dispatch render` and `run -n`: prompt, arguments and environment of a run, or where its values come from. Starts and
//! writes nothing.

use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

use crate::cli::args::RenderArgs;
use crate::cli::commands::{open, overrides, run};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult};
use crate::cli::table::{self, Cell};
use crate::cli::{frames, output};
use crate::lifecycle::launch::prepare;
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::request::StartRequest;
use crate::lifecycle::project::Depth;
use crate::lifecycle::project::{origins, show};
use crate::view::origin_view::{OriginView, OriginsView};
use crate::view::render_view::RenderView;

pub(super) fn run(context: &CommandContext, args: RenderArgs) -> CommandResult {
    let project = open(context, Depth::Whole)?;
    let tasks = project.tasks();
    let mode = project.mode(&args.mode)?;
    let task = tasks.find(&args.task).map_err(CliError::from)?;
    let prompt = args.prompt.as_deref().map(run::read_prompt).transpose()?;
    let request = StartRequest { prompt, extras: args.extras, ..StartRequest::default() };
    let request = overrides::applied(&args.overrides, request)?;
    if args.show_origin {
        return print_origins(context, &origins::origins(&project, mode, task, &request)?);
    }
    let prepared = prepare::prepare(&project, &tasks, mode, task, &request, None).map_err(CliError::from)?;
    print(context, &[prepared])
}

fn print_origins(context: &CommandContext, view: &OriginsView) -> CommandResult {
    if context.json {
        return output::json(view);
    }
    let here = frames::here();
    let rows: Vec<Vec<Cell>> = view
        .values
        .iter()
        .map(|origin| vec![Cell::new(&origin.key), Cell::new(place_of(origin, &here)), Cell::new(value_of(origin))])
        .collect();
    table::print(context, &["KEY", "FROM", "VALUE"], &rows)?;
    Ok(ExitCode::SUCCESS)
}

/// `dispatch.yaml:7 (defaults)`.
fn place_of(origin: &OriginView, here: &Path) -> String {
    let file = origin.file.as_deref().map(|file| show::path(file, here)).unwrap_or_default();
    let place = origin.line.map_or(file.clone(), |line| format!("{file}:{line}"));
    match (origin.source, &origin.mode) {
        ("builtIn", _) => "built in".to_owned(),
        ("commandLine", _) => "command line".to_owned(),
        ("defaults", _) => format!("{place} (defaults)"),
        ("commandFile", _) => format!("{place} (command file)"),
        ("mode", _) => format!("{place} (this mode)"),
        (_, Some(mode)) => format!("{place} (mode {mode})"),
        (_, None) => place,
    }
}

fn value_of(origin: &OriginView) -> String {
    match &origin.value {
        None => "(not shown)".to_owned(),
        Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    }
}

/// Prints the prepared runs.
pub(super) fn print(context: &CommandContext, prepared: &[Prepared]) -> CommandResult {
    let views: Vec<RenderView> = prepared.iter().map(show::prepared).collect();
    if context.json {
        return match views.as_slice() {
            [one] => output::json(one),
            several => output::json(&serde_json::json!({ "runs": several })),
        };
    }
    for (at, (prepared, view)) in prepared.iter().zip(&views).enumerate() {
        if at > 0 {
            output::line("")?;
        }
        print_one(prepared, view)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print_one(prepared: &Prepared, view: &RenderView) -> Result<(), CliError> {
    output::line(&format!("# {} {} ({})", view.mode, view.task, view.form.as_str()))?;
    if let Some(worktree) = &view.worktree {
        let (path, branch, base) = (worktree.path.display(), &worktree.branch, &worktree.base);
        output::line(&format!("worktree  {path} (new, branch {branch} from {base})"))?;
    }
    if let Some(executor) = &view.executor {
        output::line(&format!("executor  {executor}"))?;
    }
    output::line(&format!("cwd       {}", view.cwd.display()))?;
    output::line(&format!("argv      {}", shell_words::join(&view.argv)))?;
    output::line(&format!("env       {}", view.env.join(" ")))?;
    if let Some(path) = prepared.kind.job().and_then(|job| job.save_to.as_ref()) {
        output::line(&format!("save to   {}", path.display()))?;
    }
    if let Some(prompt) = &prepared.prompt {
        output::line(&format!("prompt    {} bytes by {}:\n", prompt.len(), view.delivery))?;
        output::untrusted(prompt)?;
        if !prompt.ends_with(b"\n") {
            output::line("")?;
        }
    }
    Ok(())
}
