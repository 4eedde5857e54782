//! Several headless runs of one command: in parallel as slots allow, one line each.
//!
//! As make does: after a failure what runs may end, and nothing further is begun. So without
//! `-k` a task is started only when a slot is free for it; with `-k` all are queued at once.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use crate::cli::args::RunOptions;
use crate::cli::commands::Answer;
use crate::cli::commands::run::{begin, code, stop_in_background};
use crate::cli::error::CliError;
use crate::cli::interrupts::Interrupts;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::cli::progress::{Line, Progress};
use crate::model::run::Run;
use crate::runner::follow::Follower;
use crate::runner::ledger::Ledger;
use crate::runner::prepare::Prepared;
use crate::runner::start::Queueing;
use crate::runner::stop::How;
use crate::system::clock;
use crate::system::watch;
use crate::view::run_view::RunView;

const LOOK: Duration = Duration::from_millis(100);

/// How one of the runs came out.
enum Outcome {
    Ended(Box<Run>),
    Failed(u8),
}

/// What a run's follower says when it is through, by the task's place in the arguments.
type Told = (usize, Outcome);

pub(super) fn run(meant: &Meant, ledger: &Ledger, prepared: &[Prepared], options: &RunOptions) -> Answer {
    let mut interrupts = Interrupts::new()?;
    let progress = Progress::new(meant);
    let mut outcomes: Vec<Option<Outcome>> = prepared.iter().map(|_| None).collect();
    let mut pending: VecDeque<usize> = (0..prepared.len()).collect();
    let mut started: Vec<Run> = Vec::new();
    let mut running: usize = 0;
    let mut interrupted = 0;
    let mut joined = 0;
    let (tell, told) = mpsc::channel::<Told>();
    let (mut woken, waker) = UnixStream::pair()?;
    woken.set_nonblocking(true)?;
    while running > 0 || !pending.is_empty() {
        while let Some(at) = pending.front().copied() {
            let queueing = if options.keep_going || running == 0 { Queueing::Allowed } else { Queueing::Never };
            match begin(meant, ledger, &prepared[at], options, queueing) {
                Ok(None) => break,
                Ok(Some((run, ours))) => {
                    let line = progress.line(&prepared[at].pair.to_string());
                    follow_in_background(ledger, at, run.clone(), line, tell.clone(), waker.try_clone()?);
                    running += 1;
                    match ours {
                        true => started.push(run),
                        false => joined += 1,
                    }
                }
                Err(error) => {
                    progress.line(&prepared[at].pair.to_string()).fail(&error.message);
                    outcomes[at] = Some(Outcome::Failed(error.code));
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
        watch::wait_readable(&[interrupts.as_fd(), woken.as_fd()], tick)?;
        let count = interrupts.take();
        if count > 0 {
            interrupted += count;
            pending.clear();
            // What was joined goes on without us.
            running = running.saturating_sub(std::mem::take(&mut joined));
            for run in &started {
                stop_in_background(ledger, run, if interrupted > 1 { How::Kill } else { How::Interrupt });
            }
        }
        let _ = woken.read(&mut [0; 64]);
        for (at, outcome) in told.try_iter() {
            running = running.saturating_sub(1);
            if is_failure(&outcome) && !options.keep_going {
                pending.clear();
            }
            outcomes[at] = Some(outcome);
        }
    }
    let code = report(meant, outcomes)?;
    Ok(if interrupted > 0 && code == ExitCode::SUCCESS { ExitCode::from(130) } else { code })
}

fn is_failure(outcome: &Outcome) -> bool {
    outcome_code(outcome) != 0
}

fn outcome_code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Ended(run) => code(run),
        Outcome::Failed(code) => *code,
    }
}

fn follow_in_background(
    ledger: &Ledger,
    at: usize,
    run: Run,
    mut line: Line,
    tell: mpsc::Sender<Told>,
    mut waker: UnixStream,
) {
    let ledger = ledger.clone();
    std::thread::spawn(move || {
        let outcome = match follow(&ledger, &run, &mut line) {
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

/// Follows one run to its end, showing where it stands.
fn follow(ledger: &Ledger, run: &Run, line: &mut Line) -> Result<Run, CliError> {
    let mut follower = Follower::new(ledger, run, None)?;
    loop {
        let run = follower.look()?;
        line.show(&run);
        if !run.is_active() {
            return Ok(run);
        }
        follower.read(&mut |_| Ok(()))?;
        follower.wait(&run, None, None)?;
    }
}

/// The first failing in argument order decides the exit code.
fn report(meant: &Meant, outcomes: Vec<Option<Outcome>>) -> Answer {
    let mut first = None;
    let mut views = Vec::new();
    // A task without an outcome was not begun.
    for outcome in outcomes.into_iter().flatten() {
        first = first.or(Some(outcome_code(&outcome)).filter(|code| *code != 0));
        if let Outcome::Ended(run) = &outcome {
            views.push(RunView::new(run, clock::now()));
        }
    }
    if meant.json {
        output::json(&serde_json::json!({ "runs": views }))?;
    }
    Ok(ExitCode::from(first.unwrap_or(0)))
}
