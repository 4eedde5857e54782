//! `dispatch logs`: the output of a run, readable or raw.

use std::os::fd::AsFd as _;
use std::process::ExitCode;

use crate::agents::LineRenderer;
use crate::cli::args::LogsArgs;
use crate::cli::commands::open;
use crate::cli::commands::run::protocol_of;
use crate::cli::console::{Console, Show};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED, USAGE};
use crate::cli::stuck_warning::StuckWarning;
use crate::cli::{output, progress};
use crate::lifecycle::failure::Failure;
use crate::lifecycle::follow::{Follower, Woken};
use crate::lifecycle::project::Depth;
use crate::lifecycle::project::project_store;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::lifecycle::window::attach;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::os::clock;
use crate::os::interrupts::Interrupts;
use crate::store::logs::reader::{LogStreams, ReadFrom};

pub(super) fn run(context: &CommandContext, args: &LogsArgs) -> CommandResult {
    let (Some(mode), Some(task)) = (&args.mode, &args.task) else {
        return Err(CliError::new(USAGE, "name a mode and a task"));
    };
    let project = open(context, Depth::Shape)?;
    let pair = project_store::past_pair(&project, mode, task)?;
    let never = || Failure::never_run(&pair);
    let store = project_store::find(&project)?.ok_or_else(never)?;
    let run = match &args.run {
        None => refresh::last_run(&store, &pair)?,
        Some(typed) => {
            let id = RunId::parse(typed).ok_or_else(|| {
                CliError::new(USAGE, format!("`{typed}` is not a run id"))
                    .hint(format!("`dispatch history --mode {mode} --task {task}` lists them"))
            })?;
            Some(of_the_pair(refresh::one(&store, &id)?, &pair, typed)?)
        }
    };
    let run = run.ok_or_else(never)?;
    if run.facts.form.is_job() { headless(context, args, &store, &run) } else { window(&store, &run) }
}

/// The run of `--run`, which must be one of the pair.
fn of_the_pair(run: Option<Run>, pair: &Pair, typed: &str) -> Result<Run, CliError> {
    match run {
        Some(run) if run.pair() == *pair => Ok(run),
        Some(run) => {
            let own = run.pair();
            Err(CliError::new(USAGE, format!("run `{typed}` is one of `{own}`, not of `{pair}`"))
                .hint(format!("dispatch logs {own} --run {typed}")))
        }
        None => Err(CliError::new(USAGE, format!("there is no run `{typed}`"))
            .hint(format!("`dispatch history --mode {} --task {}` lists those of `{pair}`", pair.mode, pair.task))),
    }
}

fn headless(context: &CommandContext, args: &LogsArgs, store: &Store, run: &Run) -> CommandResult {
    let both = !args.stdout && !args.stderr;
    let streams = LogStreams { stdout: both || args.stdout, stderr: both || args.stderr };
    let protocol = protocol_of(store, run);
    let tail = args.tail.unwrap_or(u64::MAX);
    // An event is not a line of output: with `--tail`, lines are counted after rendering.
    let counts_rendered =
        args.tail.is_some() && !args.raw && streams.stdout && LineRenderer::for_protocol(protocol).is_some();
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
    let mut console = if counts_rendered { Console::keeping_last(show, tail) } else { Console::new(show) };
    if streams.stderr && args.tail.is_none() && args.since.is_none() {
        console.show_file(&store.folder(run.id()).setup_log())?;
    }
    let mut interrupts = Interrupts::new()?;
    let mut follower = Follower::new(store, run, Some((streams, from)))?;
    let mut warning = StuckWarning::default();
    loop {
        let run = follower.look()?;
        if args.follow {
            warning.show(context, &run);
        }
        follower.read(&mut |piece| console.show(&piece))?;
        if counts_rendered {
            console.release()?;
        }
        if !run.is_active() || !args.follow || !console.has_reader() {
            break;
        }
        if follower.wait(&run, Some(interrupts.as_fd()), None)? == Woken::Interrupted && interrupts.take() > 0 {
            return Ok(ExitCode::from(130));
        }
    }
    console.finish()?;
    if args.follow {
        let run = follower.look()?;
        if !run.is_active() && !args.raw {
            output::stderr(context).note(&format!("{}: {}", run.pair(), progress::words(&run)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A window has no log: prints its screen, or its saved last screen.
fn window(store: &Store, run: &Run) -> CommandResult {
    let screen = attach::screen(store, run)?;
    match screen {
        Some(text) => {
            output::write(&output::sanitized(&text))?;
            Ok(ExitCode::SUCCESS)
        }
        None => Err(CliError::new(FAILED, format!("no screen of `{}` was kept", run.pair()))
            .hint(format!("dispatch attach {}", run.pair()))),
    }
}
