//! `dispatch status`: active and last ended runs, or one pair.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::cli::args::{Named, StatusArgs};
use crate::cli::commands::{local, open, say, task_word};
use crate::cli::context::{CommandContext, manifest_location};
use crate::cli::error::{CliError, CommandResult};
use crate::cli::table::{self, Cell};
use crate::cli::{output, progress, retry_words};
use crate::lifecycle::failure::Failure;
use crate::lifecycle::observe::EarlyListing;
use crate::lifecycle::project::{Depth, Project, project_store, show};
use crate::lifecycle::reconcile::held::{self, Held};
use crate::lifecycle::refresh;
use crate::lifecycle::store::{Observed, Store};
use crate::lifecycle::summary::failed_output::failed_output;
use crate::lifecycle::summary::overview::{self, RECENT};
use crate::lifecycle::summary::{engine_report, explain};
use crate::model::activity::{Activity, ActivitySource, ActivityState};
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_state::{RunState, WaitingFor};
use crate::os::clock;
use crate::view::amounts::{cost, duration};
use crate::view::run_view::RunView;

/// Starts listing windows before the arguments are parsed, because tmux's client takes long to start. `None` if `words`
/// do not ask for all runs of the project in the current folder.
pub(crate) fn early_listing(mut words: impl Iterator<Item = OsString>) -> Option<EarlyListing> {
    let is_one_of = |word: OsString, known: &[&str]| known.iter().any(|known| word == *known);
    let is_status = words.next().is_some_and(|word| is_one_of(word, &["status", "list", "ls"]));
    let options = ["--json", "-q", "--quiet", "-a", "--all", "--explain", "--tmux"];
    let is_plain = is_status && words.all(|word| is_one_of(word, &options));
    is_plain.then(|| project_store::begin_listing(&manifest_location(None, None))).flatten()
}

pub(super) fn run(context: &CommandContext, args: &StatusArgs, early: Option<EarlyListing>) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    match args.words.named() {
        Named::Pair(mode, task) => {
            return of_pair(context, &project, &project_store::past_pair(&project, mode, task)?, args);
        }
        Named::Task(word) => return of_task(context, &project, word, args),
        Named::Nothing => {}
    }
    let Some(store) = project_store::find(&project)?.map(|store| store.to_show()) else {
        return print(context, None, &[], &Held::new(), args.explain);
    };
    let limit = if args.all { u32::MAX } else { RECENT };
    let Observed { runs, notices } = overview::overview(&store, limit, early)?;
    say(context, &notices);
    let held = held::held(&project, &store, &runs)?;
    print(context, Some(&store), &runs, &held, args.explain)
}

fn of_pair(context: &CommandContext, project: &Project, pair: &Pair, args: &StatusArgs) -> CommandResult {
    let store = project_store::find(project)?.map(Store::to_show);
    let run = store.as_ref().map(|store| refresh::last_run(store, pair)).transpose()?.flatten();
    match (run, store) {
        (Some(run), Some(store)) => {
            let held = held::held(project, &store, std::slice::from_ref(&run))?;
            one(context, &store, &run, &held, args.explain)
        }
        _ => Err(Failure::never_run(pair).into()),
    }
}

/// The last run of each pair of a task.
fn of_task(context: &CommandContext, project: &Project, word: &str, args: &StatusArgs) -> CommandResult {
    let store = project_store::find(project)?.map(Store::to_show);
    let (task, mut runs) = task_word::find(project, store.as_ref(), word, "status")?;
    let Some(store) = store.filter(|_| !runs.is_empty()) else { return Err(Failure::task_never_run(&task).into()) };
    runs.reverse();
    let held = held::held(project, &store, &runs)?;
    print(context, Some(&store), &runs, &held, args.explain)
}

fn print(context: &CommandContext, store: Option<&Store>, runs: &[Run], held: &Held, explain: bool) -> CommandResult {
    let now = clock::now();
    if context.json {
        let views: Vec<RunView> = runs.iter().map(|run| show::run(run, held, now)).collect();
        return output::json(&serde_json::json!({ "runs": views }));
    }
    if runs.is_empty() {
        output::stderr(context).note("nothing has run yet");
        return Ok(ExitCode::SUCCESS);
    }
    output::write(table(context, runs, held).as_bytes())?;
    if let (true, Some(store)) = (explain, store) {
        for run in runs {
            output::line("")?;
            details(store, run)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The runs as a table.
pub(super) fn table(context: &CommandContext, runs: &[Run], held: &Held) -> String {
    let now = clock::now();
    let rows: Vec<Vec<Cell>> = runs
        .iter()
        .map(|run| {
            let view = show::run(run, held, now);
            let since = view.ended_at.map(|ended| format!("{} ago", duration(clock::millis_between(ended, now))));
            let lasted = view.duration_ms.map(duration).unwrap_or_default();
            let about = match (&view.reason, view.exit_code, view.signal) {
                _ if run.state == RunState::Queued(WaitingFor::Gate) => progress::at_gate(run),
                (Some(reason), ..) => reason.clone(),
                _ if run.is_active() && view.answered_at.is_some() => not_exited(run).unwrap_or_default(),
                _ if view.activity == Some("waiting") => view.activity_reason.clone().unwrap_or_default(),
                (None, Some(code), _) if code != 0 => format!("exit code {code}"),
                (None, _, Some(signal)) => format!("signal {signal}"),
                _ => String::new(),
            };
            let held = view.held.map(|why| format!("held: {why}"));
            let about: Vec<String> =
                [Some(about), held].into_iter().flatten().filter(|text| !text.is_empty()).collect();
            let about = about.join("; ");
            vec![
                Cell::new(&view.task),
                Cell::new(&view.mode),
                progress::cell(run),
                Cell::new(lasted),
                Cell::new(since.unwrap_or_default()),
                Cell::new(about),
            ]
        })
        .collect();
    table::render(&["TASK", "MODE", "STATE", "FOR", "ENDED", "ABOUT"], &rows, table::terminal_width(), context.colour.0)
}

fn one(context: &CommandContext, store: &Store, run: &Run, held: &Held, explain: bool) -> CommandResult {
    let view = show::run(run, held, clock::now());
    if context.json {
        return output::json(&view);
    }
    let not_exited = not_exited(run).map_or_else(String::new, |words| format!(": {words}"));
    output::line(&format!("{}: {}{not_exited}", run.pair(), progress::words(run)))?;
    let row = |name: &str, value: Option<String>| match value {
        Some(value) => output::line(&format!("  {name:<9} {}", crate::agents::sanitize_line(&value))),
        None => Ok(()),
    };
    row("run", Some(view.run_id.clone()))?;
    row("executor", run.facts.executor.clone())?;
    row("node", view.node.clone())?;
    row("started", view.started_at.map(local))?;
    row("answered", view.answered_at.map(local))?;
    row("ended", view.ended_at.map(local))?;
    row("for", view.duration_ms.map(duration))?;
    row("activity", run.progress.activity.as_ref().map(activity))?;
    row("cure", run.progress.activity.as_ref().and_then(|activity| activity.fix).map(str::to_owned))?;
    row("exit code", view.exit_code.map(|code| code.to_string()))?;
    row("signal", view.signal.map(|signal| signal.to_string()))?;
    row("engine", engine_report::of_ended(store, run).map(|reported| format!("reports: {reported}")))?;
    row("hint", view.hint.clone())?;
    row("held", view.held.clone())?;
    row("cost", view.cost_usd.map(cost))?;
    row("session", view.session_id.clone())?;
    let resume = || run.offers_resume().then(|| format!("dispatch run --resume {}", run.pair()));
    row("go on", view.go_on.clone().or_else(resume))?;
    for denial in &view.denials {
        row("denied", Some(format!("{} {}", denial.tool, denial.input)))?;
    }
    row("limits", view.limits.map(|hold| format!("{hold:?}").to_lowercase()))?;
    if let Some(failed) = failed_output(store, run) {
        output::line(&format!("last lines of the {} of {}:", failed.from.name(), failed.pair))?;
        for line in failed.lines {
            output::line(&format!("  | {line}"))?;
        }
    }
    if explain {
        details(store, run)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `answered 12 min ago, has not exited`: for a job whose agent has answered and still runs.
fn not_exited(run: &Run) -> Option<String> {
    let at = run.answered_at().filter(|_| run.is_active())?;
    let age = retry_words::rough(clock::millis_between(at, clock::now()));
    Some(format!("answered {age} ago, has not exited"))
}

/// `waits for you: it rang the bell, 12s ago`.
fn activity(activity: &Activity) -> String {
    let age = duration(clock::millis_between(activity.at, clock::now()));
    match activity.state {
        ActivityState::Waiting => format!("waits for you: {}, {age} ago", activity.reason),
        ActivityState::Idle if activity.source == ActivitySource::Output => format!("idle: no output for {age}"),
        ActivityState::Idle => format!("idle: {}, {age} ago", activity.reason),
        ActivityState::Working | ActivityState::Unknown => {
            format!("{}: {}", activity.state.as_str(), activity.reason)
        }
    }
}

/// `--explain`: the evidence for the state.
fn details(store: &Store, run: &Run) -> Result<(), CliError> {
    let folder = store.folder(run.id());
    output::line(&format!("{} {}", run.pair(), run.id()))?;
    output::line(&format!("  record    {}", folder.path().display()))?;
    let known = match (&run.end, run.facts.form.is_job()) {
        (Some(_), _) => format!("its end is written in `{}`", folder.exit_path().display()),
        (None, true) if run.facts.executor.is_some() => {
            "its engine was asked for the name of its job, and its node writes signs of life".to_owned()
        }
        (None, true) => format!("its pair's lock `{}`", store.state().pair(&run.pair()).display()),
        (None, false) => match &run.progress.pane {
            Some(pane) => format!("tmux pane {pane} was started for its record"),
            None => "tmux was asked on the socket it was started on".to_owned(),
        },
    };
    output::line(&format!("  known by  {known}"))?;
    if let Some(socket) = &run.facts.socket {
        output::line(&format!("  tmux      {}", socket.display()))?;
    }
    output::line(&format!("  cwd       {}", run.facts.cwd.display()))?;
    let now = clock::now();
    for sign in explain::activity_signs(store, run) {
        let ago = sign.at.map(|at| format!(", {} ago", duration(clock::millis_between(at, now))));
        let says = format!("{}{}", sign.says, ago.unwrap_or_default());
        output::line(&format!("  {:<9} {}", sign.name, crate::agents::sanitize_line(&says)))?;
    }
    Ok(())
}
