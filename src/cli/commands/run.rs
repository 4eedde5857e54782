//! `dispatch run`: start or join, follow, and exit as the agent did.

use std::io::{self, IsTerminal as _, Read as _};
use std::os::fd::AsFd as _;
use std::process::ExitCode;

use crate::cli::args::{AttachHow, Run as Args, RunOptions, Selector};
use crate::cli::commands::{Answer, attach, open, render, run_many};
use crate::cli::console::{Console, Show};
use crate::cli::error::{CliError, USAGE};
use crate::cli::interrupts::Interrupts;
use crate::cli::meant::Meant;
use crate::cli::{output, progress};
use crate::manifest::{Mode, TaskSelector};
use crate::model::protocol::Protocol;
use crate::model::run::Run;
use crate::model::run_state::{EndState, RunState};
use crate::model::task_status::TaskStatus;
use crate::plan::selector::{matches, selects};
use crate::runner::follow::{Follower, Woken};
use crate::runner::ledger::Ledger;
use crate::runner::prepare::{Prepared, Request};
use crate::runner::project::{Depth, Project};
use crate::runner::start::{Queueing, Started};
use crate::runner::stop::How;
use crate::system::clock;
use crate::system::logs::reader::{From, Streams};
use crate::tasks::{Task, TaskSet};
use crate::view::run_view::RunView;

/// The exit code where nobody reads our output any more: as if SIGPIPE had ended us.
const UNHEARD: u8 = 141;

pub(super) fn run(meant: &Meant, args: Args) -> Answer {
    refuse_unsupported(&args.options)?;
    let project = open(meant, Depth::Whole)?;
    let tasks = project.tasks();
    let mode = project.mode(&args.mode)?;
    let chosen = choose(&project, &tasks, mode, &args.tasks, &args.selector)?;
    start(meant, &project, &tasks, mode, &chosen, args.options, args.extras)
}

fn refuse_unsupported(options: &RunOptions) -> Result<(), CliError> {
    if options.resume {
        return Err(CliError::new(USAGE, "`--resume` is not supported yet"));
    }
    if options.attach == AttachHow::Terminal {
        return Err(
            CliError::new(USAGE, "`--attach terminal` is not supported yet").hint("`--attach here` uses this one")
        );
    }
    Ok(())
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
    mode: &Mode,
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
    };
    let mut prepared = Vec::new();
    for task in chosen {
        prepared.push(project.prepare(tasks, mode, task, &request).map_err(CliError::from)?);
    }
    if options.dry_run {
        return render::print(meant, &prepared);
    }
    let ledger = project.ledger_for_writing()?;
    if mode.interactive {
        return interactive(meant, &ledger, &prepared, &options);
    }
    if options.detach {
        return detached(meant, &ledger, &prepared, &options);
    }
    match prepared.as_slice() {
        [one] => headless(meant, &ledger, one, &options),
        several => run_many::run(meant, &ledger, several, &options),
    }
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

fn headless(meant: &Meant, ledger: &Ledger, prepared: &Prepared, options: &RunOptions) -> Answer {
    let mut interrupts = Interrupts::new()?;
    let Some((run, ours)) = begin(meant, ledger, prepared, options, Queueing::Allowed)? else {
        return Ok(ExitCode::SUCCESS);
    };
    let show = Show { protocol: prepared.protocol, raw: false, timestamps: false, stderr_alone: false };
    let ended = stream(meant, ledger, run, ours, show, &mut interrupts)?;
    match ended {
        Streamed::Ended(run) if meant.json => {
            output::json(&RunView::new(&run, clock::now()))?;
            Ok(exit_code(&run))
        }
        Streamed::Ended(run) => {
            if run.end_state() != Some(EndState::Succeeded) {
                output::stderr(meant).note(&format!("{}: {}", run.pair(), progress::words(&run)));
            }
            Ok(exit_code(&run))
        }
        Streamed::LetGo(code) => Ok(ExitCode::from(code)),
    }
}

/// Starts or joins, and says which; the flag tells whether this call started it. `None` where it
/// would have had to be queued and must not be.
pub(super) fn begin(
    meant: &Meant,
    ledger: &Ledger,
    prepared: &Prepared,
    options: &RunOptions,
    queueing: Queueing,
) -> Result<Option<(Run, bool)>, CliError> {
    let err = output::stderr(meant);
    match ledger.start(prepared, options.force, queueing).map_err(CliError::from)? {
        Started::NoSlot => Ok(None),
        Started::New(run) => {
            if matches!(run.state, RunState::Queued(_)) {
                err.note(&format!("{}: {}", run.pair(), progress::words(&run)));
            }
            Ok(Some((*run, true)))
        }
        Started::Joined(run) => {
            err.note(&format!("{} is active already: joined run {}", run.pair(), run.id()));
            Ok(Some((*run, false)))
        }
    }
}

enum Streamed {
    Ended(Box<Run>),
    /// The run goes on without us.
    LetGo(u8),
}

/// Shows a run's output until it ends. Ctrl-C stops what we started and lets go of what we joined.
fn stream(
    meant: &Meant,
    ledger: &Ledger,
    run: Run,
    ours: bool,
    show: Show,
    interrupts: &mut Interrupts,
) -> Result<Streamed, CliError> {
    let both = Streams { stdout: true, stderr: true };
    let logs = (!meant.json).then_some((both, From::Start));
    let mut follower = Follower::new(ledger, &run, logs)?;
    let mut console = Console::new(show);
    let mut interrupted = 0;
    loop {
        let run = follower.look()?;
        follower.read(&mut |piece| console.show(&piece))?;
        if !run.is_active() {
            console.finish()?;
            return Ok(Streamed::Ended(Box::new(run)));
        }
        if !console.is_heard() {
            return Ok(Streamed::LetGo(UNHEARD));
        }
        if let RunState::Unknown(_) = run.state {
            return Err(CliError::new(crate::cli::error::OURS, format!("{}: {}", run.pair(), progress::words(&run))));
        }
        if follower.wait(&run, Some(interrupts.as_fd()), None)? == Woken::Interrupted {
            interrupted += interrupts.take();
            if !ours {
                output::stderr(meant).note(&format!("{} goes on", run.pair()));
                return Ok(Streamed::LetGo(130));
            }
            stop_in_background(ledger, &run, if interrupted > 1 { How::Kill } else { How::Interrupt });
        }
    }
}

/// Stopping takes as long as the agent's grace; its last words are shown meanwhile.
pub(super) fn stop_in_background(ledger: &Ledger, run: &Run, how: How) {
    let (ledger, run) = (ledger.clone(), run.clone());
    std::thread::spawn(move || {
        if let Err(error) = ledger.stop_run(&run, how) {
            tracing::warn!(%error, "the run cannot be stopped");
        }
    });
}

pub(super) fn exit_code(run: &Run) -> ExitCode {
    ExitCode::from(code(run))
}

pub(super) fn code(run: &Run) -> u8 {
    run.end.as_ref().map_or(crate::cli::error::OURS, |end| end.command_code())
}

fn detached(meant: &Meant, ledger: &Ledger, prepared: &[Prepared], options: &RunOptions) -> Answer {
    let mut views = Vec::new();
    let mut failure = None;
    for prepared in prepared {
        match begin(meant, ledger, prepared, options, Queueing::Allowed) {
            Ok(None) => {}
            Ok(Some((run, _))) if meant.json => views.push(RunView::new(&run, clock::now())),
            Ok(Some((run, _))) => output::line(run.id().as_str())?,
            Err(error) => {
                output::stderr(meant).error(&format!("{}: {}", prepared.pair, error.message));
                failure = failure.or(Some(error));
            }
        }
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

fn interactive(meant: &Meant, ledger: &Ledger, prepared: &[Prepared], options: &RunOptions) -> Answer {
    let mut views = Vec::new();
    let mut last = None;
    for prepared in prepared {
        let Some((run, ours)) = begin(meant, ledger, prepared, options, Queueing::Allowed)? else { continue };
        if meant.json {
            views.push(RunView::new(&run, clock::now()));
        } else if options.detach {
            output::line(run.id().as_str())?;
        } else if ours {
            output::stderr(meant).note(&format!("{} is open in window {}", run.pair(), run.pair().label()));
        }
        last = Some(run);
    }
    if meant.json {
        output::json(&serde_json::json!({ "runs": views }))?;
    }
    let how = if options.detach || prepared.len() > 1 || meant.json { AttachHow::None } else { options.attach };
    match (last, how) {
        (None, _) | (_, AttachHow::None) => Ok(ExitCode::SUCCESS),
        (Some(run), how) => attach::show(meant, ledger, &run, how),
    }
}

/// Whether both ends of this call are a terminal.
pub(super) fn on_a_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The protocol a run's output is in.
pub(super) fn protocol_of(ledger: &Ledger, run: &Run) -> Protocol {
    ledger.folder(run.id()).read_spec().map_or(Protocol::Text, |spec| spec.protocol)
}
