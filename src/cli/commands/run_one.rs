//! `run` of one job: starts its dependencies and the job, and shows its output. Ctrl-C stops what this command started.

use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cli::commands::run::{exit_code, note_outcome, note_queued};
use crate::cli::console::{Console, Show};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult};
use crate::cli::stuck_warning::StuckWarning;
use crate::cli::{output, progress, retry_words};
use crate::lifecycle::follow::failed_attempts::FailedAttempts;
use crate::lifecycle::follow::{Follower, SilentSource, Woken};
use crate::lifecycle::launch::batch_start::{BatchStart, StartOutcome};
use crate::lifecycle::launch::start::Queueing;
use crate::lifecycle::stop;
use crate::lifecycle::store::Store;
use crate::lifecycle::summary::failed_output::{FailedOutput, OutputSource};
use crate::model::protocol::Protocol;
use crate::model::run::Run;
use crate::model::run_state::EndState;
use crate::os::interrupts::Interrupts;
use crate::os::{clock, watch};
use crate::store::logs::reader::{LogStreams, ReadFrom};
use crate::view::run_view::{RunView, SkippedView};

/// The exit code if stdout has no reader any more: as if SIGPIPE had ended this process.
pub(super) const UNHEARD: u8 = 141;

pub(super) fn run(
    context: &CommandContext,
    store: &Store,
    starts: &mut BatchStart<'_>,
    protocol: Protocol,
) -> CommandResult {
    let mut interrupts = Interrupts::new()?;
    let mut requested = None;
    while let Some((item, outcome)) = starts.start_next(Queueing::Allowed) {
        let outcome = outcome?;
        note_outcome(context, &outcome);
        if let (StartOutcome::Run { run, .. }, Some(by)) = (&outcome, &item.needed_by) {
            output::stderr(context).note(&format!("{}: {} first, since {by} needs it", run.pair(), run.state.as_str()));
        }
        note_queued(context, &outcome);
        requested = Some(outcome);
    }
    let run = match requested {
        Some(StartOutcome::Run { run, .. }) => run,
        Some(StartOutcome::UpToDate(run)) if context.json => {
            output::json(&SkippedView::new(&run))?;
            return Ok(ExitCode::SUCCESS);
        }
        _ => return Ok(ExitCode::SUCCESS),
    };
    match stream(context, store, *run, &starts.started(), shown_as(protocol), &mut interrupts)? {
        Streamed::Ended(run) if context.json => {
            output::json(&RunView::new(&run, clock::now()))?;
            Ok(exit_code(&run))
        }
        Streamed::Ended(run) => Ok(report_end(context, store, &run)),
        Streamed::LetGo(run, code) => {
            if context.json {
                output::json(&RunView::new(&run, clock::now()))?;
            }
            Ok(ExitCode::from(code))
        }
    }
}

/// How the output of a followed job is shown.
pub(super) fn shown_as(protocol: Protocol) -> Show {
    Show { protocol, raw: false, timestamps: false, stderr_alone: false }
}

/// Prints how a followed job ended, unless it succeeded. Returns its exit code.
pub(super) fn report_end(context: &CommandContext, store: &Store, run: &Run) -> ExitCode {
    let go_on = run.go_on();
    if go_on.is_some() || run.end_state() != Some(EndState::Succeeded) {
        output::stderr(context).note(&format!("{}: {}", run.pair(), progress::words(run)));
    }
    // Its own output was shown already, but not that of its set-up or of what it needs.
    let is_new = |failed: &FailedOutput| failed.from == OutputSource::SetUp || failed.pair != run.pair();
    progress::note_failed_output(context, store, run, is_new);
    if let Some(hint) = run.hint() {
        output::stderr(context).hint(&hint);
    }
    if let Some(command) = go_on.filter(|_| !context.quiet) {
        output::stderr(context).hint(&format!("`{command}` goes on in its conversation, in a window"));
    }
    exit_code(run)
}

pub(super) enum Streamed {
    Ended(Box<Run>),
    /// The run continues without this command, which exits with this code.
    LetGo(Box<Run>, u8),
}

/// Shows a run's output until it ends. Ctrl-C stops runs that this command started; a joined run continues.
pub(super) fn stream(
    context: &CommandContext,
    store: &Store,
    run: Run,
    ours: &[Run],
    show: Show,
    interrupts: &mut Interrupts,
) -> Result<Streamed, CliError> {
    let both = LogStreams { stdout: true, stderr: true };
    let logs = (!context.json).then_some((both, ReadFrom::Start));
    let mut follower = Follower::new(store, &run, logs)?;
    let mut console = Console::new(show);
    let mut interrupted = 0;
    let mut stops = Vec::new();
    let mut retries = FailedAttempts::of(store, run.id());
    let mut trouble = StuckWarning::default();
    let mut source = SilentSource::default();
    loop {
        let run = follower.look()?;
        trouble.show(context, &run);
        follower.read(&mut |piece| console.show(&piece))?;
        for words in retries.take().iter().filter_map(retry_words::words) {
            output::stderr(context).note(&format!("{}: {words}", run.pair()));
        }
        if !run.is_active() {
            console.finish(&run)?;
            await_stops(stops, store, ours, interrupts)?;
            return Ok(Streamed::Ended(Box::new(run)));
        }
        if !console.has_reader() {
            return Ok(Streamed::LetGo(Box::new(run), UNHEARD));
        }
        if !source.is_awaited(&run.state) {
            return Err(CliError::new(crate::cli::error::OURS, format!("{}: {}", run.pair(), progress::words(&run))));
        }
        if follower.wait(&run, Some(interrupts.as_fd()), None)? == Woken::Interrupted {
            interrupted += interrupts.take();
            let how = if interrupted > 1 { stop::StopKind::Kill } else { stop::StopKind::Interrupt };
            // Dependent runs first, and all in one stop: they would otherwise start or fail when their dependencies end.
            stops.push(stop_in_background(store, ours.iter().rev().cloned().collect(), how));
            if !ours.iter().any(|own| own.id() == run.id()) {
                output::stderr(context).note(&format!("{} goes on", run.pair()));
                await_stops(stops, store, ours, interrupts)?;
                return Ok(Streamed::LetGo(Box::new(run), 130));
            }
        }
    }
}

/// Waits until the runs are stopped: the stopping threads would end with this process. Another Ctrl-C kills the runs.
fn await_stops(
    mut stops: Vec<JoinHandle<()>>,
    store: &Store,
    ours: &[Run],
    interrupts: &mut Interrupts,
) -> Result<(), CliError> {
    const POLL_INTERVAL: Duration = Duration::from_millis(20);
    while stops.iter().any(|stop| !stop.is_finished()) {
        watch::wait_readable(&[interrupts.as_fd()], Some(POLL_INTERVAL))?;
        if interrupts.take() > 0 {
            stops.push(stop_in_background(store, ours.iter().rev().cloned().collect(), stop::StopKind::Kill));
        }
    }
    Ok(())
}

/// Stops runs in a thread: this may take the agents' grace, and their output is shown meanwhile.
pub(super) fn stop_in_background(store: &Store, runs: Vec<Run>, how: stop::StopKind) -> JoinHandle<()> {
    let store = store.clone();
    std::thread::spawn(move || {
        for error in stop::stop_runs(&store, &runs, how).into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "a run cannot be stopped");
        }
    })
}
