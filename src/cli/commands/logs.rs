//! `dispatch logs`: the output of a run, readable or raw.

use std::os::fd::AsFd as _;
use std::process::ExitCode;

use crate::agents::LineRenderer;
use crate::cli::args::{LogsArgs, Named};
use crate::cli::commands::run::protocol_of;
use crate::cli::commands::{open, task_word};
use crate::cli::console::{Console, Show};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED, USAGE};
use crate::cli::log_lines::LogLines;
use crate::cli::stuck_warning::StuckWarning;
use crate::cli::{output, progress};
use crate::lifecycle::failure::Failure;
use crate::lifecycle::follow::{Follower, Woken};
use crate::lifecycle::project::{Depth, Project, project_store};
use crate::lifecycle::refresh;
use crate::lifecycle::run_prefix::{self, RunPrefixError};
use crate::lifecycle::store::Store;
use crate::lifecycle::window::attach;
use crate::model::run::Run;
use crate::os::clock;
use crate::os::interrupts::Interrupts;
use crate::store::logs::reader::{LogStreams, ReadFrom};

pub(super) fn run(context: &CommandContext, args: &LogsArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let store = project_store::find(&project)?;
    let run = match (&args.run, args.words.named()) {
        (Some(typed), named) => by_id(&project, store.as_ref(), typed, named)?,
        (None, Named::Pair(mode, task)) => {
            let pair = project_store::past_pair(&project, mode, task)?;
            let run = store.as_ref().map(|store| refresh::last_run(store, &pair)).transpose()?.flatten();
            run.ok_or_else(|| Failure::never_run(&pair))?
        }
        (None, Named::Task(word)) => of_task(&project, store.as_ref(), word, args)?,
        (None, Named::Nothing) => {
            return Err(CliError::new(USAGE, "no task was named").hint("dispatch logs TASK"));
        }
    };
    let Some(store) = store else { return Err(Failure::never_run(&run.pair()).into()) };
    if run.facts.form.is_job() { headless(context, args, &store, &run) } else { window(context, &store, &run) }
}

/// The task's only active run, else its newest run. Fails if several are active.
fn of_task(project: &Project, store: Option<&Store>, word: &str, args: &LogsArgs) -> Result<Run, CliError> {
    let command = if args.follow { "logs -f" } else { "logs" };
    let (task, mut runs) = task_word::find(project, store, word, command)?;
    let newest = runs.last().cloned().ok_or_else(|| Failure::task_never_run(&task))?;
    runs.retain(Run::is_active);
    match runs.as_slice() {
        [] => Ok(newest),
        [active] => Ok(active.clone()),
        several => Err(task_word::several(&task, several.iter().map(Run::pair), command)),
    }
}

/// The run of `--run`, which must be one of what was named.
fn by_id(project: &Project, store: Option<&Store>, typed: &str, named: Named<'_>) -> Result<Run, CliError> {
    let id = run_prefix::find(store, typed)?;
    let run = store.map(|store| refresh::one(store, &id)).transpose()?.flatten();
    let run = run.ok_or_else(|| RunPrefixError::Unknown(typed.to_owned()))?;
    let (is_meant, named) = match named {
        Named::Nothing => (true, String::new()),
        Named::Task(word) => {
            let task = project_store::past_task(project, store, word)?;
            (run.facts.task == task, task.to_string())
        }
        Named::Pair(mode, task) => {
            let pair = project_store::past_pair(project, mode, task)?;
            (run.pair() == pair, pair.to_string())
        }
    };
    if is_meant {
        return Ok(run);
    }
    let own = run.pair();
    Err(CliError::new(USAGE, format!("run `{typed}` is one of `{own}`, not of `{named}`"))
        .hint(format!("dispatch logs --run {typed}")))
}

fn headless(context: &CommandContext, args: &LogsArgs, store: &Store, run: &Run) -> CommandResult {
    let both = !args.stdout && !args.stderr;
    let streams = LogStreams { stdout: both || args.stdout, stderr: both || args.stderr };
    let protocol = protocol_of(store, run);
    let tail = args.tail.unwrap_or(u64::MAX);
    // An event is not a line of output: with `--tail`, lines are counted after rendering.
    let counts_rendered = args.tail.is_some()
        && !args.raw
        && !context.json
        && streams.stdout
        && LineRenderer::for_protocol(protocol).is_some();
    let from = match (args.tail, args.since) {
        (_, Some(since)) => {
            let since = i64::try_from(since.as_duration().as_millis()).unwrap_or(i64::MAX);
            let at = clock::now().as_millisecond().saturating_sub(since);
            ReadFrom::Since(jiff::Timestamp::from_millisecond(at).unwrap_or(jiff::Timestamp::MIN))
        }
        (Some(lines), None) if !counts_rendered => ReadFrom::Tail(lines),
        _ => ReadFrom::Start,
    };
    let show = Show { protocol, raw: args.raw, timestamps: args.timestamps, stderr_alone: !streams.stdout };
    let mut console = match context.json {
        true => Console::of_events(show, run),
        false if counts_rendered => Console::keeping_last(show, tail),
        false => Console::new(show),
    };
    if streams.stderr && args.tail.is_none() && args.since.is_none() {
        console.show_file(&store.folder(run.id()).setup_log())?;
    }
    let mut interrupts = Interrupts::new()?;
    let mut follower = Follower::new(store, run, Some((streams, from)))?;
    let mut warning = StuckWarning::default();
    let run = loop {
        let run = follower.look()?;
        if args.follow {
            warning.show(context, &run);
        }
        follower.read(&mut |piece| console.show(&piece))?;
        if counts_rendered {
            console.release()?;
        }
        if !run.is_active() || !args.follow || !console.has_reader() {
            break run;
        }
        if follower.wait(&run, Some(interrupts.as_fd()), None)? == Woken::Interrupted && interrupts.take() > 0 {
            return Ok(ExitCode::from(130));
        }
    };
    console.finish(&run)?;
    if args.follow && !run.is_active() && !args.raw {
        output::stderr(context).note(&format!("{}: {}", run.pair(), progress::words(&run)));
    }
    Ok(ExitCode::SUCCESS)
}

/// A window has no log: prints its screen, or its saved last screen.
fn window(context: &CommandContext, store: &Store, run: &Run) -> CommandResult {
    let screen = attach::screen(store, run)?;
    match screen {
        Some(text) if context.json => {
            let mut lines = LogLines::new(run);
            lines.show_text("screen", &text)?;
            lines.finish(run)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(text) => {
            output::write(&output::sanitized(&text))?;
            Ok(ExitCode::SUCCESS)
        }
        None => Err(CliError::new(FAILED, format!("no screen of `{}` was kept", run.pair()))
            .hint(format!("dispatch attach {}", run.pair()))),
    }
}
