//! `dispatch run`: start or join, follow, and exit as the agent did.

use std::io::{self, IsTerminal as _, Read as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cli::args::{AttachHow, RunArgs as Args, RunOptions, TaskFilter as Selector};
use crate::cli::commands::{attach, open, render, run_many};
use crate::cli::console::{Console, Show};
use crate::cli::context::CommandContext as Meant;
use crate::cli::error::{CliError, CommandResult as Answer, USAGE};
use crate::cli::interrupts::Interrupts;
use crate::cli::stuck_warning::StuckWarning as Trouble;
use crate::cli::{output, progress, retry_words};
use crate::manifest::{Mode, TaskSelector};
use crate::model::protocol::Protocol;
use crate::model::run::Run;
use crate::model::run_spec::RunKind;
use crate::model::run_state::{EndState, RunState};
use crate::model::task_status::TaskStatus;
use crate::plan::selector::{matches, selects};
use crate::runner::asked;
use crate::runner::asked::{Asked, Meaning};
use crate::runner::beginning;
use crate::runner::beginning::Beginning;
use crate::runner::follow::{Follower, Woken};
use crate::runner::prepare::{Prepared, Request};
use crate::runner::project::{Depth, Project};
use crate::runner::project_store;
use crate::runner::retry_news::RetryNews;
use crate::runner::start::Queueing;
use crate::runner::stop;
use crate::runner::store::Store;
use crate::runner::together::{Planned, Resume};
use crate::system::clock;
use crate::system::logs::reader::{LogStreams, ReadFrom};
use crate::system::tmux::WarmClient;
use crate::system::watch;
use crate::tasks::{Task, TaskSet};
use crate::view::run_view::{RunView, SkippedView};

/// The exit code where nobody reads our output any more: as if SIGPIPE had ended us.
const UNHEARD: u8 = 141;

pub(super) fn run(meant: &Meant, args: Args) -> Answer {
    let project = open(meant, Depth::Whole)?;
    let mode = project.mode(&args.mode)?;
    let ready = window_ahead(&project, mode, &args.options);
    let tasks = project.tasks();
    let chosen = choose(&project, &tasks, mode, &args.tasks, &args.selector)?;
    start(meant, &project, &tasks, (mode, ready), &chosen, args.options, args.extras)
}

/// A tmux client on its way while the tasks are read, where a window will come of it.
pub(super) fn window_ahead(project: &Project, mode: &Mode, options: &RunOptions) -> Option<WarmClient> {
    if mode.interactive && !options.dry_run { project.tmux().warm_client() } else { None }
}

/// The tasks that were named or selected, each once, in that order.
fn choose<'a>(
    project: &Project,
    tasks: &'a TaskSet,
    mode: &Mode,
    named: &[String],
    selector: &Selector,
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

/// The options as a selector. A parent may be named as any task is.
fn task_selector(tasks: &TaskSet, typed: &Selector) -> Result<TaskSelector, CliError> {
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

/// Starts `mode` on `chosen`: all are prepared before any starts.
pub(super) fn start(
    meant: &Meant,
    project: &Project,
    tasks: &TaskSet,
    (mode, ready): (&Mode, Option<WarmClient>),
    chosen: &[&Task],
    options: RunOptions,
    extras: Vec<String>,
) -> Answer {
    let request = Request {
        prompt: options.prompt.as_deref().map(read_prompt).transpose()?,
        extras,
        force: options.force,
        save_to: options.save_to.clone(),
        jobs: options.jobs,
        resume: None,
        cwd: None,
    };
    let resume = match options.resume.clone() {
        None => Resume::Nobodys,
        Some(None) => Resume::LastOfPair,
        Some(Some(run)) => Resume::Of(run),
    };
    let meaning = Meaning { subtasks: options.subtasks, resume };
    let Asked { pairs, windows, planned, known } = asked::ask(project, tasks, mode, chosen, &request, meaning)?;
    if options.dry_run {
        let prepared: Vec<Prepared> = planned.into_iter().map(|planned| planned.prepared).collect();
        return render::print(meant, &prepared);
    }
    let warnings: std::collections::BTreeSet<String> =
        planned.iter().flat_map(|planned| planned.prepared.set_up_warnings()).collect();
    for warning in warnings {
        output::stderr(meant).warning(&warning);
    }
    let store = project_store::create(project, known)?.with_warm_client(ready);
    let alone = planned.iter().all(|planned| planned.needed_by.is_none() && planned.after.is_empty());
    if options.detach {
        return detached(meant, &store, &planned, &options);
    }
    match planned.last() {
        _ if windows && alone && planned.iter().all(|planned| is_window(&planned.prepared)) => {
            interactive(meant, &store, &planned, &options)
        }
        // What it needs stands before it.
        Some(last) if pairs.len() == 1 && !windows && last.needed_by.is_none() => {
            headless(meant, &store, &planned, &options)
        }
        _ => run_many::run(meant, &store, &planned, &pairs, &options),
    }
}

fn is_window(prepared: &Prepared) -> bool {
    matches!(prepared.kind, RunKind::Interactive { .. })
}

/// A prompt as typed, or all of stdin.
pub(super) fn read_prompt(typed: &str) -> Result<Vec<u8>, CliError> {
    if typed != "-" {
        return Ok(typed.as_bytes().to_vec());
    }
    let mut bytes = Vec::new();
    // One byte more than is allowed is enough to refuse it.
    io::stdin().lock().take((1 << 20) + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One job, shown as it runs, and before it what it needs.
fn headless(meant: &Meant, store: &Store, planned: &[Planned], options: &RunOptions) -> Answer {
    let mut interrupts = Interrupts::new()?;
    let mut begun = Vec::new();
    let mut ours = Vec::new();
    let mut asked = None;
    for planned in planned {
        let beginning = begin(meant, store, planned, &begun, options, Queueing::Allowed)?;
        if let (Beginning::Run { run, .. }, Some(by)) = (&beginning, &planned.needed_by) {
            output::stderr(meant).note(&format!("{}: {} first, since {by} needs it", run.pair(), run.state.as_str()));
        }
        note_queued(meant, &beginning);
        if let Beginning::Run { run, ours: true } = &beginning {
            ours.push((**run).clone());
        }
        asked = Some(beginning.clone());
        begun.push(beginning);
    }
    let Some(Beginning::Run { run, .. }) = asked else {
        return match asked {
            Some(Beginning::UpToDate(run)) if meant.json => {
                output::json(&SkippedView::new(&run))?;
                Ok(ExitCode::SUCCESS)
            }
            _ => Ok(ExitCode::SUCCESS),
        };
    };
    let protocol = planned.last().map(|planned| planned.prepared.protocol).unwrap_or_default();
    let show = Show { protocol, raw: false, timestamps: false, stderr_alone: false };
    let ended = stream(meant, store, *run, &ours, show, &mut interrupts)?;
    match ended {
        Streamed::Ended(run) if meant.json => {
            output::json(&RunView::new(&run, clock::now()))?;
            Ok(exit_code(&run))
        }
        Streamed::Ended(run) => {
            let go_on = run.go_on();
            if go_on.is_some() || run.end_state() != Some(EndState::Succeeded) {
                output::stderr(meant).note(&format!("{}: {}", run.pair(), progress::words(&run)));
            }
            if let Some(hint) = run.hint() {
                output::stderr(meant).hint(&hint);
            }
            if let Some(command) = go_on.filter(|_| !meant.quiet) {
                output::stderr(meant).hint(&format!("`{command}` goes on in its conversation, in a window"));
            }
            Ok(exit_code(&run))
        }
        Streamed::LetGo(code) => Ok(ExitCode::from(code)),
    }
}

/// Says that a run waits, where no line of progress does.
fn note_queued(meant: &Meant, beginning: &Beginning) {
    if let Beginning::Run { run, ours: true } = beginning
        && matches!(run.state, RunState::Queued(_))
    {
        output::stderr(meant).note(&format!("{}: {}", run.pair(), progress::words(run)));
    }
}

/// Starts or joins, and says which.
pub(super) fn begin(
    meant: &Meant,
    store: &Store,
    planned: &Planned,
    before: &[Beginning],
    options: &RunOptions,
    queueing: Queueing<'_>,
) -> Result<Beginning, CliError> {
    let err = output::stderr(meant);
    let beginning = beginning::begin_planned(store, planned, before, options.force, queueing)?;
    match &beginning {
        Beginning::UpToDate(run) => err.note(&format!("{}: skipped: up to date since run {}", run.pair(), run.id())),
        Beginning::Run { run, ours: false } => {
            err.note(&format!("{} is active already: joined run {}", run.pair(), run.id()));
        }
        _ => {}
    }
    Ok(beginning)
}

enum Streamed {
    Ended(Box<Run>),
    /// The run goes on without us.
    LetGo(u8),
}

/// Shows a run's output until it ends. Ctrl-C stops what we started and lets go of what we joined.
fn stream(
    meant: &Meant,
    store: &Store,
    run: Run,
    ours: &[Run],
    show: Show,
    interrupts: &mut Interrupts,
) -> Result<Streamed, CliError> {
    let both = LogStreams { stdout: true, stderr: true };
    let logs = (!meant.json).then_some((both, ReadFrom::Start));
    let mut follower = Follower::new(store, &run, logs)?;
    let mut console = Console::new(show);
    let mut interrupted = 0;
    let mut stops = Vec::new();
    let mut retries = RetryNews::of(store, run.id());
    let mut trouble = Trouble::default();
    loop {
        let run = follower.look()?;
        trouble.show(meant, &run);
        follower.read(&mut |piece| console.show(&piece))?;
        for words in retries.take().iter().filter_map(retry_words::words) {
            output::stderr(meant).note(&format!("{}: {words}", run.pair()));
        }
        if !run.is_active() {
            console.finish()?;
            await_stops(stops, store, ours, interrupts)?;
            return Ok(Streamed::Ended(Box::new(run)));
        }
        if !console.has_reader() {
            return Ok(Streamed::LetGo(UNHEARD));
        }
        if let RunState::Unknown(_) = run.state {
            return Err(CliError::new(crate::cli::error::OURS, format!("{}: {}", run.pair(), progress::words(&run))));
        }
        if follower.wait(&run, Some(interrupts.as_fd()), None)? == Woken::Interrupted {
            interrupted += interrupts.take();
            let how = if interrupted > 1 { stop::How::Kill } else { stop::How::Interrupt };
            // What waits first, or it would start when what it waits for is gone.
            stops.extend(ours.iter().rev().map(|run| stop_in_background(store, run, how)));
            if !ours.iter().any(|own| own.id() == run.id()) {
                output::stderr(meant).note(&format!("{} goes on", run.pair()));
                await_stops(stops, store, ours, interrupts)?;
                return Ok(Streamed::LetGo(130));
            }
        }
    }
}

/// Waits until what is being stopped has stopped: with this process would go what does it. Another
/// Ctrl-C kills.
fn await_stops(
    mut stops: Vec<JoinHandle<()>>,
    store: &Store,
    ours: &[Run],
    interrupts: &mut Interrupts,
) -> Result<(), CliError> {
    const LOOK: Duration = Duration::from_millis(20);
    while stops.iter().any(|stop| !stop.is_finished()) {
        watch::wait_readable(&[interrupts.as_fd()], Some(LOOK))?;
        if interrupts.take() > 0 {
            stops.extend(ours.iter().map(|run| stop_in_background(store, run, stop::How::Kill)));
        }
    }
    Ok(())
}

/// Stopping takes as long as the agent's grace; its last words are shown meanwhile.
pub(super) fn stop_in_background(store: &Store, run: &Run, how: stop::How) -> JoinHandle<()> {
    let (store, run) = (store.clone(), run.clone());
    std::thread::spawn(move || {
        if let Err(error) = stop::stop_run(&store, &run, how) {
            tracing::warn!(%error, "the run cannot be stopped");
        }
    })
}

pub(super) fn exit_code(run: &Run) -> ExitCode {
    ExitCode::from(code(run))
}

pub(super) fn code(run: &Run) -> u8 {
    run.end.as_ref().map_or(crate::cli::error::OURS, |end| end.command_code())
}

fn detached(meant: &Meant, store: &Store, planned: &[Planned], options: &RunOptions) -> Answer {
    let mut views = Vec::new();
    let mut failure = None;
    let mut begun = Vec::new();
    for planned in planned {
        let beginning = match begin(meant, store, planned, &begun, options, Queueing::Allowed) {
            Ok(beginning) => beginning,
            Err(error) => {
                output::stderr(meant).error(&format!("{}: {}", planned.prepared.pair, error.message));
                failure = failure.or(Some(error));
                Beginning::Failed(planned.prepared.pair.clone())
            }
        };
        note_queued(meant, &beginning);
        match &beginning {
            Beginning::Run { run, .. } if meant.json => views.push(serde_json::json!(RunView::new(run, clock::now()))),
            Beginning::Run { run, .. } => output::line(run.id().as_str())?,
            Beginning::UpToDate(run) if meant.json => views.push(serde_json::json!(SkippedView::new(run))),
            _ => {}
        }
        begun.push(beginning);
    }
    if meant.json {
        output::json(&serde_json::json!({ "runs": views }))?;
    }
    match failure {
        // Told above already: only its code and cure are left to give.
        Some(error) => Err(CliError { message: String::new(), ..error }),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn interactive(meant: &Meant, store: &Store, planned: &[Planned], options: &RunOptions) -> Answer {
    let mut views = Vec::new();
    let mut last = None;
    for planned in planned {
        let beginning = begin(meant, store, planned, &[], options, Queueing::Allowed)?;
        note_queued(meant, &beginning);
        let Beginning::Run { run, ours } = beginning else { continue };
        if meant.json {
            views.push(RunView::new(&run, clock::now()));
        } else if ours && !matches!(run.state, RunState::Queued(_)) {
            output::stderr(meant).note(&format!("{} is open in window {}", run.pair(), run.pair().window_name()));
        }
        last = Some(run).filter(|run| !matches!(run.state, RunState::Queued(_)));
    }
    if meant.json {
        output::json(&serde_json::json!({ "runs": views }))?;
    }
    let how = if planned.len() > 1 || meant.json { AttachHow::None } else { options.attach };
    match (last, how) {
        (None, _) | (_, AttachHow::None) => Ok(ExitCode::SUCCESS),
        (Some(run), how) => attach::show(meant, store, &run, how),
    }
}

/// Whether both ends of this call are a terminal.
pub(super) fn on_a_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The protocol a run's output is in.
pub(super) fn protocol_of(store: &Store, run: &Run) -> Protocol {
    store.folder(run.id()).read_spec().map(|spec| spec.protocol).unwrap_or_default()
}
