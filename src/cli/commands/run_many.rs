//! Several headless runs of one command: in parallel as slots allow, one line each.
//!
//! As make does: after a failure what runs may end, and nothing further is begun. So without
//! `-k` a task is started only when a slot is free for it; with `-k` all are queued at once.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use crate::cli::args::RunOptions;
use crate::cli::commands::run::{begin, code, stop_in_background};
use crate::cli::context::CommandContext as Meant;
use crate::cli::error::{CliError, CommandResult as Answer};
use crate::cli::interrupts::Interrupts;
use crate::cli::output;
use crate::cli::progress::{ProgressDisplay as Progress, ProgressLine as Line};
use crate::cli::retry_words;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::{RunState, WaitingFor};
use crate::runner::beginning::Beginning;
use crate::runner::follow::Follower;
use crate::runner::refresh;
use crate::runner::retry_news::RetryNews;
use crate::runner::start::Queueing;
use crate::runner::stop::How;
use crate::runner::store::Store;
use crate::runner::together::Planned;
use crate::system::clock;
use crate::system::watch;
use crate::view::run_view::{RunView, SkippedView};

const LOOK: Duration = Duration::from_millis(100);

/// How one of the runs came out.
enum Outcome {
    Ended(Box<Run>),
    /// A window that is open; it goes on without us.
    Opened(Box<Run>),
    UpToDate(Box<Run>),
    Failed(u8),
}

/// What a run's follower says when it is through, by its place among the planned.
type Told = (usize, Outcome);

pub(super) fn run(meant: &Meant, store: &Store, planned: &[Planned], asked: &[Pair], options: &RunOptions) -> Answer {
    let mut interrupts = Interrupts::new()?;
    let mut progress = Progress::new(meant);
    let mut outcomes: Vec<Option<Outcome>> = planned.iter().map(|_| None).collect();
    let mut pending: VecDeque<usize> = (0..planned.len()).collect();
    let mut begun = Vec::new();
    let mut started: Vec<(usize, Run)> = Vec::new();
    let mut running: usize = 0;
    let mut interrupted = 0;
    // Of those that follow somebody else's run: which still do, and which we have let go of.
    let (mut joined, mut let_go) = (BTreeSet::new(), BTreeSet::new());
    // What waits for another stands in the queue from the start, so that it goes on without us.
    let upfront = options.keep_going || planned.iter().any(|planned| !planned.after.is_empty());
    let (tell, told) = mpsc::channel::<Told>();
    let (mut woken, waker) = UnixStream::pair()?;
    woken.set_nonblocking(true)?;
    while running > 0 || !pending.is_empty() {
        while let Some(at) = pending.front().copied() {
            let ids: Vec<RunId> = started.iter().map(|(_, run)| run.id().clone()).collect();
            let queueing = match upfront || running == 0 {
                true => Queueing::Allowed,
                false => Queueing::Never { after_failure_of: &ids },
            };
            let name = planned[at].prepared.pair.to_string();
            match begin(meant, store, &planned[at], &begun, options, queueing) {
                Ok(Beginning::NoSlot) => break,
                Ok(beginning) => {
                    match &beginning {
                        Beginning::Run { run, ours } => {
                            let line = progress.line(&name);
                            follow_in_background(store, at, (**run).clone(), line, tell.clone(), waker.try_clone()?);
                            running += 1;
                            match ours {
                                true => started.push((at, (**run).clone())),
                                false => {
                                    joined.insert(at);
                                }
                            }
                        }
                        Beginning::UpToDate(run) => outcomes[at] = Some(Outcome::UpToDate(run.clone())),
                        Beginning::NoSlot | Beginning::Failed(_) => {}
                    }
                    begun.push(beginning);
                }
                Err(error) => {
                    progress.line(&name).fail(&error.message);
                    outcomes[at] = Some(Outcome::Failed(error.code));
                    begun.push(Beginning::Failed(planned[at].prepared.pair.clone()));
                    if !options.keep_going {
                        withdraw(store, planned, &started, at);
                    }
                }
            }
            pending.pop_front();
            if !options.keep_going && outcomes.iter().flatten().any(is_failure) {
                pending.clear();
            }
        }
        if running == 0 {
            continue;
        }
        // A slot that another command frees tells no one: while tasks wait for one, look again.
        let tick = (!pending.is_empty()).then_some(LOOK);
        // Nobody who has to rebuild the index should wait for one who sleeps.
        store.close_index();
        watch::wait_readable(&[interrupts.as_fd(), woken.as_fd()], tick)?;
        let count = interrupts.take();
        if count > 0 {
            interrupted += count;
            pending.clear();
            // What was joined goes on without us.
            running = running.saturating_sub(joined.len());
            let_go.append(&mut joined);
            // What waits first, or it would start when what it waits for is gone.
            for (_, run) in started.iter().rev() {
                stop_in_background(store, run, if interrupted > 1 { How::Kill } else { How::Interrupt });
            }
        }
        let _ = woken.read(&mut [0; 64]);
        for (at, outcome) in told.try_iter() {
            joined.remove(&at);
            if !let_go.remove(&at) {
                running = running.saturating_sub(1);
            }
            let failed = is_failure(&outcome);
            outcomes[at] = Some(outcome);
            if failed && !options.keep_going {
                pending.clear();
                withdraw(store, planned, &started, at);
            }
        }
    }
    progress.close();
    let code = report(meant, planned, asked, outcomes)?;
    Ok(if interrupted > 0 && code == ExitCode::SUCCESS { ExitCode::from(130) } else { code })
}

/// After a failure nothing further is begun: what still waits is taken out of the queue. Only what
/// waits for the failed one stays there, to be told so.
fn withdraw(store: &Store, planned: &[Planned], started: &[(usize, Run)], failed: usize) {
    let mut depends = vec![false; planned.len()];
    depends[failed] = true;
    for (at, planned) in planned.iter().enumerate() {
        depends[at] |= planned.after.iter().any(|before| depends[*before]);
    }
    for (_, run) in started.iter().filter(|(at, _)| !depends[*at]) {
        let now = refresh::one(store, run.id());
        if let Ok(Some(now)) = now
            && matches!(now.state, RunState::Queued(waiting) if waiting != WaitingFor::Retry)
        {
            stop_in_background(store, &now, How::Stop);
        }
    }
}

fn is_failure(outcome: &Outcome) -> bool {
    outcome_code(outcome) != 0
}

fn outcome_code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Ended(run) => code(run),
        Outcome::Opened(_) | Outcome::UpToDate(_) => 0,
        Outcome::Failed(code) => *code,
    }
}

fn follow_in_background(
    store: &Store,
    at: usize,
    run: Run,
    mut line: Line,
    tell: mpsc::Sender<Told>,
    mut waker: UnixStream,
) {
    let store = store.clone();
    std::thread::spawn(move || {
        let outcome = match follow(&store, &run, &mut line) {
            Ok(run) if run.is_active() => Outcome::Opened(Box::new(run)),
            Ok(run) => Outcome::Ended(Box::new(run)),
            Err(error) => {
                line.fail(&error.message);
                Outcome::Failed(error.code)
            }
        };
        // The receiver is gone only when the command is over.
        let _ = tell.send((at, outcome));
        let _ = waker.write_all(b".");
    });
}

/// Follows one run to its end, or a window until it is open, showing where it stands.
fn follow(store: &Store, run: &Run, line: &mut Line) -> Result<Run, CliError> {
    let mut follower = Follower::new(store, run, None)?;
    let mut retries = RetryNews::of(store, run.id());
    loop {
        let run = follower.look()?;
        retries.take().iter().filter_map(retry_words::words).for_each(|words| line.note(&words));
        line.show(&run);
        let is_open = !run.facts.headless && !matches!(run.state, RunState::Queued(_));
        if !run.is_active() || is_open {
            return Ok(run);
        }
        follower.read(&mut |_| Ok(()))?;
        follower.wait(&run, None, None)?;
    }
}

/// The first failing decides the exit code: in argument order, and then what those needed.
fn report(meant: &Meant, planned: &[Planned], asked: &[Pair], outcomes: Vec<Option<Outcome>>) -> Answer {
    let place = |at: &usize| {
        let pair = &planned[*at].prepared.pair;
        asked.iter().position(|asked| asked == pair).unwrap_or(usize::MAX)
    };
    let mut told: Vec<(usize, Outcome)> =
        outcomes.into_iter().enumerate().filter_map(|(at, outcome)| Some((at, outcome?))).collect();
    // A task without an outcome was not begun.
    told.sort_by_key(|(at, _)| place(at));
    let mut first = None;
    let mut views = Vec::new();
    let mut hints = BTreeSet::new();
    for (_, outcome) in told {
        first = first.or(Some(outcome_code(&outcome)).filter(|code| *code != 0));
        match &outcome {
            Outcome::Ended(run) | Outcome::Opened(run) => {
                hints.extend(run.hint());
                views.push(serde_json::json!(RunView::new(run, clock::now())));
            }
            Outcome::UpToDate(run) => views.push(serde_json::json!(SkippedView::new(run))),
            Outcome::Failed(_) => {}
        }
    }
    for hint in hints {
        output::stderr(meant).hint(&hint);
    }
    if meant.json {
        output::json(&serde_json::json!({ "runs": views }))?;
    }
    Ok(ExitCode::from(first.unwrap_or(0)))
}
