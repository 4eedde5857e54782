//! Several headless runs of one command: in parallel as slots allow, one line each.

use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::args::RunOptions;
use crate::cli::commands::run::{begin, code, stop_in_background};
use crate::cli::commands::Answer;
use crate::cli::error::CliError;
use crate::cli::interrupts::Interrupts;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::cli::progress::{Line, Progress};
use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::runner::follow::Follower;
use crate::runner::ledger::Ledger;
use crate::runner::prepare::Prepared;
use crate::runner::stop::How;
use crate::system::clock;
use crate::system::watch;
use crate::view::run_view::RunView;

/// One run of the command, and how it came out.
struct Job {
    run: Run,
    ours: bool,
    line: Line,
}

/// How one of the runs came out.
enum Outcome {
    Ended(Run),
    /// Never started, by our own doing: something before it failed.
    Dropped(Run),
    Failed(u8),
}

pub(super) fn run(meant: &Meant, ledger: &Ledger, prepared: &[Prepared], options: &RunOptions) -> Answer {
    let mut interrupts = Interrupts::new()?;
    let progress = Progress::new(meant);
    let mut outcomes: Vec<Option<Outcome>> = Vec::new();
    let mut jobs = Vec::new();
    for prepared in prepared {
        let mut line = progress.line(&prepared.pair.to_string());
        match begin(meant, ledger, prepared, options) {
            Ok((run, ours)) => {
                line.show(&run);
                outcomes.push(None);
                jobs.push((outcomes.len() - 1, Job { run, ours, line }));
            }
            Err(error) => {
                line.fail(&error.message);
                outcomes.push(Some(Outcome::Failed(error.code)));
                if !options.keep_going {
                    break;
                }
            }
        }
    }
    let failing = AtomicBool::new(outcomes.iter().any(Option::is_some));
    let started: Vec<Run> = jobs.iter().filter(|(_, job)| job.ours).map(|(_, job)| job.run.clone()).collect();
    let found = Mutex::new(Vec::new());
    let (done_reader, done_writer) = std::os::unix::net::UnixStream::pair()?;
    std::thread::scope(|scope| {
        let watchers: Vec<_> = jobs
            .into_iter()
            .map(|(at, job)| {
                let (failing, found, started) = (&failing, &found, &started);
                scope.spawn(move || {
                    let outcome = follow(ledger, job);
                    if is_failure(&outcome) && !options.keep_going && !failing.swap(true, Ordering::SeqCst) {
                        drop_queued(ledger, started);
                    }
                    if let Ok(mut found) = found.lock() {
                        found.push((at, outcome));
                    }
                })
            })
            .collect();
        // Closed when every watcher is through: the interrupt loop below then ends.
        scope.spawn(move || {
            for watcher in watchers {
                let _ = watcher.join();
            }
            drop(done_writer);
        });
        let mut count = 0;
        while let Ok(ready) = watch::wait_readable(&[interrupts.as_fd(), done_reader.as_fd()], None) {
            if ready.get(1) == Some(&true) {
                break;
            }
            count += interrupts.take();
            for run in started.iter().filter(|_| count > 0) {
                stop_in_background(ledger, run, if count > 1 { How::Kill } else { How::Interrupt });
            }
        }
    });
    for (at, outcome) in found.into_inner().unwrap_or_default() {
        outcomes[at] = Some(outcome);
    }
    report(meant, outcomes)
}

fn is_failure(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Ended(run) => code(run) != 0,
        Outcome::Dropped(_) => false,
        Outcome::Failed(_) => true,
    }
}

/// Follows one run to its end, showing where it stands.
fn follow(ledger: &Ledger, mut job: Job) -> Outcome {
    let end = |job: &mut Job| -> Result<Run, CliError> {
        let mut follower = Follower::new(ledger, &job.run, None)?;
        loop {
            let run = follower.look()?;
            job.line.show(&run);
            if !run.is_active() {
                return Ok(run);
            }
            follower.read(&mut |_| Ok(()))?;
            follower.wait(&run, None, None)?;
        }
    };
    match end(&mut job) {
        Ok(run) if was_dropped(&run) => Outcome::Dropped(run),
        Ok(run) => Outcome::Ended(run),
        Err(error) => {
            job.line.fail(&error.message);
            Outcome::Failed(error.code)
        }
    }
}

/// As make does: after a failure what runs may end, what waits is not begun.
fn drop_queued(ledger: &Ledger, started: &[Run]) {
    for run in started {
        if let Ok(Some(run)) = ledger.run(run.id())
            && matches!(run.state, RunState::Queued(_))
        {
            let _ = ledger.stop_run(&run, How::Stop);
        }
    }
}

fn was_dropped(run: &Run) -> bool {
    run.end.as_ref().is_some_and(|end| end.started_at.is_none() && end.exit_code.is_none() && !end.interrupted)
}

fn report(meant: &Meant, outcomes: Vec<Option<Outcome>>) -> Answer {
    let mut first = None;
    let mut views = Vec::new();
    for outcome in outcomes {
        // A task after a failed start, without `-k`: it was not begun.
        let Some(outcome) = outcome else { continue };
        let failed = match &outcome {
            Outcome::Ended(run) => Some(code(run)).filter(|code| *code != 0),
            Outcome::Dropped(_) => None,
            Outcome::Failed(code) => Some(*code),
        };
        first = first.or(failed);
        if let Outcome::Ended(run) | Outcome::Dropped(run) = &outcome {
            views.push(RunView::new(run, clock::now()));
        }
    }
    if meant.json {
        output::json(&serde_json::json!({ "runs": views }))?;
    }
    Ok(ExitCode::from(first.unwrap_or(0)))
}
