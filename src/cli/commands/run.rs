//! `dispatch run`: start or join, follow, and exit as the agent did.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Read as _};
use std::process::ExitCode;

use serde_json::json;

use crate::cli::args::{AttachHow, RunArgs, RunOptions, TaskFilter};
use crate::cli::commands::{attach, open, overrides, render, run_many, run_one};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, USAGE, runs_document};
use crate::cli::{output, progress};
use crate::lifecycle::launch::batch::{Batch, resolve_batch};
use crate::lifecycle::launch::batch_start::{BatchStart, StartOutcome};
use crate::lifecycle::launch::prepare::Prepared;
use crate::lifecycle::launch::request::{Resume, StartRequest};
use crate::lifecycle::launch::start::Queueing;
use crate::lifecycle::project::{Depth, Project, project_store};
use crate::lifecycle::run_prefix;
use crate::lifecycle::store::Store;
use crate::manifest::{Mode, TaskSelector};
use crate::model::protocol::Protocol;
use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::model::task_status::TaskStatus;
use crate::os::clock;
use crate::os::tmux::WarmClient;
use crate::plan::selector::{matches, selects};
use crate::tasks::{Task, TaskSet};
use crate::view::run_view::{RunView, SkippedView};

pub(super) fn run(context: &CommandContext, args: RunArgs) -> CommandResult {
    let project = open(context, Depth::Whole)?;
    let mode = project.mode(&args.mode)?;
    let warm = warm_client(&project, mode, &args.options);
    let tasks = project.tasks();
    let named = choose(&project, &tasks, mode, &args.tasks, &args.selector)?;
    let named = NamedTasks { project: &project, tasks: &tasks, mode, named: &named };
    start(context, &named, warm, args.options, args.extras)
}

/// Starts a tmux client, if a window will be opened; it connects while the tasks are read.
pub(super) fn warm_client(project: &Project, mode: &Mode, options: &RunOptions) -> Option<WarmClient> {
    if mode.form.has_window() && !options.dry_run { project.tmux().warm_client() } else { None }
}

/// The named or selected tasks, each once, in that order.
fn choose<'a>(
    project: &Project,
    tasks: &'a TaskSet,
    mode: &Mode,
    named: &[String],
    selector: &TaskFilter,
) -> Result<Vec<&'a Task>, CliError> {
    let mut chosen: Vec<&Task> = Vec::new();
    for name in named {
        chosen.push(tasks.find(name).map_err(CliError::from)?);
    }
    let selector = task_selector(tasks, selector)?;
    if selects(&selector) {
        chosen.extend(tasks.tasks().iter().filter(|task| matches(&selector, task)));
        if chosen.is_empty() {
            return Err(CliError::new(USAGE, "no task matches").hint("`dispatch tasks` lists them"));
        }
    } else if named.is_empty() {
        match project.task_of_worktree(tasks, mode).and_then(|task| tasks.get(&task.id)) {
            Some(task) => chosen.push(task),
            None => {
                return Err(CliError::new(USAGE, "no task was named")
                    .hint(format!("dispatch run {} TASK", mode.name))
                    .hint("`dispatch tasks` lists them"));
            }
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    chosen.retain(|task| seen.insert(task.id.clone()));
    Ok(chosen)
}

/// The options as a selector. A parent may be named in any form that names a task.
fn task_selector(tasks: &TaskSet, typed: &TaskFilter) -> Result<TaskSelector, CliError> {
    let mut selector = TaskSelector { tag: typed.tag.clone(), kind: typed.kind.clone(), ..TaskSelector::default() };
    for typed in &typed.status {
        selector.status.push(TaskStatus::parse(typed).ok_or_else(|| {
            let known: Vec<&str> = TaskStatus::ALL.iter().map(|status| status.as_str()).collect();
            CliError::new(USAGE, format!("unknown status `{typed}`")).hint(format!("there are: {}", known.join(", ")))
        })?);
    }
    for typed in &typed.parent {
        selector.parent.push(tasks.find(typed).map_err(CliError::from)?.id.clone());
    }
    Ok(selector)
}

/// A mode, the tasks for it, and the project that both come from.
pub(super) struct NamedTasks<'a> {
    pub(super) project: &'a Project,
    pub(super) tasks: &'a TaskSet,
    pub(super) mode: &'a Mode,
    pub(super) named: &'a [&'a Task],
}

/// Starts the mode on the tasks, and their dependencies.
pub(super) fn start(
    context: &CommandContext,
    named: &NamedTasks<'_>,
    warm: Option<WarmClient>,
    options: RunOptions,
    extras: Vec<String>,
) -> CommandResult {
    let NamedTasks { project, tasks, mode, named } = *named;
    let request = request_of(project, &options, extras)?;
    let Batch { requested, has_windows, items, store } = resolve_batch(project, tasks, mode, named, &request)?;
    if options.dry_run {
        let prepared: Vec<Prepared> = items.into_iter().map(|item| item.prepared).collect();
        return render::print(context, &prepared);
    }
    let warnings: BTreeSet<String> = items.iter().flat_map(|item| item.prepared.set_up_warnings()).collect();
    for warning in warnings {
        output::stderr(context).warning(&warning);
    }
    let store = project_store::create(project, store)?;
    let mut starts = BatchStart::new(&store, &items, options.force, warm);
    let alone = items.iter().all(|item| item.needed_by.is_none() && item.after.is_empty());
    if options.detach {
        return detached(context, &mut starts);
    }
    match items.last() {
        _ if has_windows && alone && items.iter().all(|item| is_window(&item.prepared)) => {
            let how = if items.len() > 1 || context.json { AttachHow::None } else { options.attach };
            interactive(context, &store, &mut starts, how)
        }
        // Its dependencies are started before it.
        Some(last) if requested.len() == 1 && !has_windows && last.needed_by.is_none() => {
            run_one::run(context, &store, &mut starts, last.prepared.protocol)
        }
        _ => run_many::run(context, &store, &items, &requested, starts, options.keep_going),
    }
}

/// The options as a request. Fails if the prompt `-` cannot be read from stdin, `--resume` names no run, or a variable
/// cannot be given.
fn request_of(project: &Project, options: &RunOptions, extras: Vec<String>) -> Result<StartRequest, CliError> {
    let request = StartRequest {
        prompt: options.prompt.as_deref().map(read_prompt).transpose()?,
        extras,
        force: options.force,
        from: None,
        subtasks: options.subtasks,
        resume: match options.resume.clone() {
            None => Resume::NewConversation,
            Some(None) => Resume::LastOfPair,
            Some(Some(typed)) => Resume::Of(run_prefix::find(project_store::find(project)?.as_ref(), &typed)?),
        },
        save_to: options.save_to.clone(),
        jobs: options.jobs,
        ..StartRequest::default()
    };
    overrides::applied(&options.overrides, request)
}

fn is_window(prepared: &Prepared) -> bool {
    prepared.kind.form().has_window()
}

/// A prompt as typed, or all of stdin.
pub(super) fn read_prompt(typed: &str) -> Result<Vec<u8>, CliError> {
    if typed != "-" {
        return Ok(typed.as_bytes().to_vec());
    }
    let mut bytes = Vec::new();
    // One byte over the limit is enough to refuse it.
    io::stdin().lock().take((1 << 20) + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Prints the outcome of a start, if no other output shows it.
pub(super) fn note_outcome(context: &CommandContext, outcome: &StartOutcome) {
    let err = output::stderr(context);
    match outcome {
        StartOutcome::UpToDate(run) => {
            err.note(&format!("{}: skipped: up to date since run {}", run.pair(), run.id()));
        }
        StartOutcome::Run { run, ours: false } => {
            err.note(&format!("{} is active already: joined run {}", run.pair(), run.id()));
        }
        _ => {}
    }
}

/// Prints that a run is queued, if no progress line shows it.
pub(super) fn note_queued(context: &CommandContext, outcome: &StartOutcome) {
    if let StartOutcome::Run { run, ours: true } = outcome
        && matches!(run.state, RunState::Queued(_))
    {
        output::stderr(context).note(&format!("{}: {}", run.pair(), progress::words(run)));
    }
}

pub(super) fn exit_code(run: &Run) -> ExitCode {
    ExitCode::from(code(run))
}

pub(super) fn code(run: &Run) -> u8 {
    run.end.as_ref().map_or(crate::cli::error::OURS, |end| end.command_code())
}

fn detached(context: &CommandContext, starts: &mut BatchStart<'_>) -> CommandResult {
    let mut views = Vec::new();
    let mut failure = None;
    while let Some((item, outcome)) = starts.start_next(Queueing::Allowed) {
        let outcome = match outcome.map_err(CliError::from) {
            Ok(outcome) => outcome,
            Err(error) => {
                output::stderr(context).error(&format!("{}: {}", item.prepared.pair, error.message));
                failure = failure.or(Some(error));
                continue;
            }
        };
        note_outcome(context, &outcome);
        note_queued(context, &outcome);
        match &outcome {
            StartOutcome::Run { run, .. } if context.json => views.push(json!(RunView::new(run, clock::now()))),
            StartOutcome::Run { run, .. } => output::line(run.id().as_str())?,
            StartOutcome::UpToDate(run) if context.json => views.push(json!(SkippedView::new(run))),
            _ => {}
        }
    }
    if context.json {
        output::json(&runs_document(&views, failure.as_ref()))?;
    }
    match failure {
        Some(error) => Err(error.printed()),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn interactive(context: &CommandContext, store: &Store, starts: &mut BatchStart<'_>, how: AttachHow) -> CommandResult {
    let mut views = Vec::new();
    let mut last = None;
    while let Some((_, outcome)) = starts.start_next(Queueing::Allowed) {
        let outcome = outcome?;
        note_outcome(context, &outcome);
        note_queued(context, &outcome);
        let StartOutcome::Run { run, ours } = outcome else { continue };
        if context.json {
            views.push(RunView::new(&run, clock::now()));
        } else if ours && !matches!(run.state, RunState::Queued(_)) {
            output::stderr(context).note(&format!("{} is open in window {}", run.pair(), run.pair().window_name()));
        }
        last = Some(run).filter(|run| !matches!(run.state, RunState::Queued(_)));
    }
    if context.json {
        output::json(&json!({ "runs": views }))?;
    }
    match (last, how) {
        (None, _) | (_, AttachHow::None) => Ok(ExitCode::SUCCESS),
        (Some(run), how) => attach::show(context, store, &run, how),
    }
}

/// Whether stdin and stdout are a terminal.
pub(super) fn on_a_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The protocol of a run's output.
pub(super) fn protocol_of(store: &Store, run: &Run) -> Protocol {
    store.folder(run.id()).read_spec().map(|spec| spec.protocol).unwrap_or_default()
}
