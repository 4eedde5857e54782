//! Starts and follows several headless runs of one command, in parallel as slots allow, with one line each.
//!
//! As in make, after a failure active runs may end and nothing more is started. So without `-k` a task is started only
//! when a slot is free for it; with `-k` all tasks are queued at once.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::cli::commands::run::{code, note_outcome};
use crate::cli::commands::run_one::stop_in_background;
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, runs_document};
use crate::cli::progress::{ProgressDisplay, ProgressLine};
use crate::cli::{output, progress, retry_words};
use crate::lifecycle::follow::Follower;
use crate::lifecycle::follow::failed_attempts::FailedAttempts;
use crate::lifecycle::launch::batch::BatchItem;
use crate::lifecycle::launch::batch_start::{BatchStart, StartOutcome};
use crate::lifecycle::launch::start::Queueing;
use crate::lifecycle::refresh;
use crate::lifecycle::stop::StopKind;
use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::{RunState, WaitingFor};
use crate::os::interrupts::Interrupts;
use crate::os::{clock, watch};
use crate::view::run_view::{RunView, SkippedView};

const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The result of one run.
enum Outcome {
    Ended(Box<Run>),
    /// An open window; it continues without this command.
    Opened(Box<Run>),
    UpToDate(Box<Run>),
    Failed(Box<CliError>),
}

/// The result of a run, and its index in the batch.
type Report = (usize, Outcome);

/// Runs of one batch that are started and followed together.
struct ManyRuns<'a> {
    context: &'a CommandContext,
    store: &'a Store,
    items: &'a [BatchItem],
    starts: BatchStart<'a>,
    keep_going: bool,
    /// Nothing more is started.
    is_closed: bool,
    progress: ProgressDisplay,
    outcomes: Vec<Option<Outcome>>,
    started: Vec<(usize, Run)>,
    /// The number of followed runs.
    running: usize,
    /// Followed runs that other commands started, and those that are no longer waited for.
    joined: BTreeSet<usize>,
    let_go: BTreeSet<usize>,
    reports: mpsc::Sender<Report>,
    waker: UnixStream,
    /// Threads that stop runs.
    stops: Vec<JoinHandle<()>>,
}

pub(super) fn run(
    context: &CommandContext,
    store: &Store,
    items: &[BatchItem],
    requested: &[Pair],
    starts: BatchStart<'_>,
    keep_going: bool,
) -> CommandResult {
    let mut interrupts = Interrupts::new()?;
    let (reports, received) = mpsc::channel::<Report>();
    let (mut woken, waker) = UnixStream::pair()?;
    woken.set_nonblocking(true)?;
    let mut runs = ManyRuns {
        context,
        store,
        items,
        starts,
        keep_going,
        is_closed: false,
        progress: ProgressDisplay::new(context),
        outcomes: items.iter().map(|_| None).collect(),
        started: Vec::new(),
        running: 0,
        joined: BTreeSet::new(),
        let_go: BTreeSet::new(),
        reports,
        waker,
        stops: Vec::new(),
    };
    let mut interrupted = 0;
    while runs.running > 0 || runs.has_more() {
        runs.start_more()?;
        if runs.running == 0 {
            continue;
        }
        // No event reports that another command released a slot: poll while tasks wait for one.
        let tick = runs.has_more().then_some(POLL_INTERVAL);
        // A command that rebuilds the index waits until all others have closed it.
        store.close_index();
        watch::wait_readable(&[interrupts.as_fd(), woken.as_fd()], tick)?;
        let count = interrupts.take();
        if count > 0 {
            interrupted += count;
            runs.interrupt(if interrupted > 1 { StopKind::Kill } else { StopKind::Interrupt });
        }
        let _ = woken.read(&mut [0; 64]);
        received.try_iter().for_each(|(at, outcome)| runs.note(at, outcome));
    }
    runs.progress.close();
    // The runs have ended; what is left is to advance the queue.
    for stop in runs.stops {
        let _ = stop.join();
    }
    let code = report(context, store, items, requested, runs.outcomes)?;
    Ok(if interrupted > 0 && code == ExitCode::SUCCESS { ExitCode::from(130) } else { code })
}

impl ManyRuns<'_> {
    fn has_more(&self) -> bool {
        !self.is_closed && self.starts.upcoming().is_some()
    }

    /// Starts the tasks that may be started now.
    fn start_more(&mut self) -> Result<(), CliError> {
        // A batch with dependencies is queued as a whole, so that it continues without this command.
        let upfront = self.keep_going || self.items.iter().any(|item| !item.after.is_empty());
        while self.has_more() {
            let ids: Vec<RunId> = self.started.iter().map(|(_, run)| run.id().clone()).collect();
            let queueing = match upfront || self.running == 0 {
                true => Queueing::Allowed,
                false => Queueing::Never { after_failure_of: &ids },
            };
            let at = self.starts.outcomes().len();
            let Some((item, outcome)) = self.starts.start_next(queueing) else { return Ok(()) };
            let name = item.prepared.pair.to_string();
            match outcome.map_err(CliError::from) {
                Ok(StartOutcome::NoSlot) => return Ok(()),
                Ok(outcome) => self.follow(at, &name, outcome)?,
                Err(error) => {
                    self.progress.line(&name).fail(&error.message);
                    self.outcomes[at] = Some(Outcome::Failed(Box::new(error)));
                    if !self.keep_going {
                        self.stops.push(withdraw(self.store, self.items, &self.started, at));
                    }
                }
            }
            self.is_closed |= !self.keep_going && self.outcomes.iter().flatten().any(is_failure);
        }
        Ok(())
    }

    fn follow(&mut self, at: usize, name: &str, outcome: StartOutcome) -> Result<(), CliError> {
        note_outcome(self.context, &outcome);
        match outcome {
            StartOutcome::Run { run, ours } => {
                let (line, waker) = (self.progress.line(name), self.waker.try_clone()?);
                follow_in_background(self.store, at, (*run).clone(), line, self.reports.clone(), waker);
                self.running += 1;
                match ours {
                    true => self.started.push((at, *run)),
                    false => drop(self.joined.insert(at)),
                }
            }
            StartOutcome::UpToDate(run) => self.outcomes[at] = Some(Outcome::UpToDate(run)),
            StartOutcome::NoSlot | StartOutcome::Failed(_) => {}
        }
        Ok(())
    }

    /// Stops the runs that this command started. Runs that it joined continue and are no longer waited for.
    fn interrupt(&mut self, how: StopKind) {
        self.is_closed = true;
        self.running = self.running.saturating_sub(self.joined.len());
        self.let_go.append(&mut self.joined);
        // Dependent runs first, and all in one stop: they would otherwise start or fail when their dependencies end.
        let runs = self.started.iter().rev().map(|(_, run)| run.clone()).collect();
        self.stops.push(stop_in_background(self.store, runs, how));
    }

    fn note(&mut self, at: usize, outcome: Outcome) {
        self.joined.remove(&at);
        if !self.let_go.remove(&at) {
            self.running = self.running.saturating_sub(1);
        }
        let failed = is_failure(&outcome);
        self.outcomes[at] = Some(outcome);
        if failed && !self.keep_going {
            self.is_closed = true;
            self.stops.push(withdraw(self.store, self.items, &self.started, at));
        }
    }
}

/// After a failure, removes the queued runs from the queue, except those that depend on the failed run: they end as
/// `dependency_failed`.
fn withdraw(store: &Store, items: &[BatchItem], started: &[(usize, Run)], failed: usize) -> JoinHandle<()> {
    let mut depends = vec![false; items.len()];
    depends[failed] = true;
    for (at, item) in items.iter().enumerate() {
        depends[at] |= item.after.iter().any(|before| depends[*before]);
    }
    let independent = started.iter().filter(|(at, _)| !depends[*at]);
    let mut queued: Vec<Run> =
        independent.filter_map(|(_, run)| refresh::one(store, run.id()).ok().flatten()).collect();
    queued.retain(|run| matches!(run.state, RunState::Queued(waiting) if waiting != WaitingFor::Retry));
    // All in one stop: it advances the queue only after all of them have left it.
    stop_in_background(store, queued, StopKind::Stop)
}

fn is_failure(outcome: &Outcome) -> bool {
    outcome_code(outcome) != 0
}

fn outcome_code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Ended(run) => code(run),
        Outcome::Opened(_) | Outcome::UpToDate(_) => 0,
        Outcome::Failed(error) => error.code,
    }
}

fn follow_in_background(
    store: &Store,
    at: usize,
    run: Run,
    mut line: ProgressLine,
    reports: mpsc::Sender<Report>,
    mut waker: UnixStream,
) {
    let store = store.clone();
    std::thread::spawn(move || {
        let outcome = match follow(&store, &run, &mut line) {
            Ok(run) if run.is_active() => Outcome::Opened(Box::new(run)),
            Ok(run) => Outcome::Ended(Box::new(run)),
            Err(error) => {
                line.fail(&error.message);
                Outcome::Failed(Box::new(error))
            }
        };
        // The receiver is dropped only at the end of the command.
        let _ = reports.send((at, outcome));
        let _ = waker.write_all(b".");
    });
}

/// Follows one run to its end, or a window until it is open, and shows its state.
fn follow(store: &Store, run: &Run, line: &mut ProgressLine) -> Result<Run, CliError> {
    let mut follower = Follower::new(store, run, None)?;
    let mut retries = FailedAttempts::of(store, run.id());
    loop {
        let run = follower.look()?;
        retries.take().iter().filter_map(retry_words::words).for_each(|words| line.note(&words));
        line.show(&run);
        let is_open = run.facts.form.has_window() && !matches!(run.state, RunState::Queued(_));
        if !run.is_active() || is_open {
            return Ok(run);
        }
        follower.read(&mut |_| Ok(()))?;
        follower.wait(&run, None, None)?;
    }
}

/// The first failure decides the exit code: requested runs in argument order, then their dependencies.
fn report(
    context: &CommandContext,
    store: &Store,
    items: &[BatchItem],
    requested: &[Pair],
    outcomes: Vec<Option<Outcome>>,
) -> CommandResult {
    let place = |at: &usize| {
        let pair = &items[*at].prepared.pair;
        requested.iter().position(|requested| requested == pair).unwrap_or(usize::MAX)
    };
    let mut ended: Vec<Report> =
        outcomes.into_iter().enumerate().filter_map(|(at, outcome)| Some((at, outcome?))).collect();
    // A task without an outcome was not started.
    ended.sort_by_key(|(at, _)| place(at));
    let mut first = None;
    let mut views = Vec::new();
    let mut hints = BTreeSet::new();
    let mut failure = None;
    for (_, outcome) in ended {
        first = first.or(Some(outcome_code(&outcome)).filter(|code| *code != 0));
        match outcome {
            Outcome::Ended(run) | Outcome::Opened(run) => {
                hints.extend(run.hint());
                if !context.json {
                    // The output of a run that others need is shown once, with its own end.
                    progress::note_failed_output(context, store, &run, |failed| failed.pair == run.pair());
                }
                views.push(serde_json::json!(RunView::new(&run, clock::now())));
            }
            Outcome::UpToDate(run) => views.push(serde_json::json!(SkippedView::new(&run))),
            Outcome::Failed(error) => failure = failure.or(Some(error)),
        }
    }
    for hint in hints {
        output::stderr(context).hint(&hint);
    }
    if context.json {
        output::json(&runs_document(&views, failure.as_deref()))?;
    }
    Ok(ExitCode::from(first.unwrap_or(0)))
}
