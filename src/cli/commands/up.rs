//! `dispatch up` starts and stops runs to match the manifest's `runs:`; `dispatch down` stops them.

use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::time::Duration;

use crate::cli::args::UpArgs;
use crate::cli::commands::{open, plan, stop};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED};
use crate::cli::output;
use crate::lifecycle::project::{Depth, Project, project_store, show};
use crate::lifecycle::reconcile::apply::Done;
use crate::lifecycle::reconcile::prepared_plan::PreparedPlan;
use crate::lifecycle::reconcile::up::{self, refuse_inside};
use crate::lifecycle::reconcile::{self, changes_of};
use crate::os::clock::Stopwatch;
use crate::os::interrupts::Interrupts;
use crate::os::watch;
use crate::plan::diff::UpOptions;

/// The interval for changes that cause no event.
const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// Changes within this time are handled together.
const SETTLE: Duration = Duration::from_millis(100);
/// The shortest and longest delay after a pass that changed nothing or failed; it doubles each time.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

pub(super) fn run(context: &CommandContext, args: &UpArgs) -> CommandResult {
    refuse_inside("up")?;
    let options = UpOptions { recreate: args.recreate, prune: args.prune, watch: false };
    let first = pass(context, options, args.watch);
    if !args.watch {
        return first.map(|passed| passed.code());
    }
    if let Err(error) = first {
        // As a later error: it is printed, and the watch waits until it is fixed.
        let _ = error.report(context);
    }
    keep(context, UpOptions { watch: true, recreate: false, ..options })
}

/// The result of one reconciliation.
struct Pass {
    changed: bool,
    failed: bool,
}

impl Pass {
    fn code(&self) -> ExitCode {
        if self.failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
    }
}

/// `goes_on`: others follow.
fn pass(context: &CommandContext, options: UpOptions, goes_on: bool) -> Result<Pass, CliError> {
    let project = open(context, Depth::Whole)?;
    let tasks = project.tasks();
    let known = project_store::find(&project)?;
    let _lock = up::lock(known.as_ref())?;
    let found = plan::look(context, &project, &tasks, known.as_ref(), options)?;
    let kept = found.steps.iter().filter(|step| !step.is_action());
    if !context.json && !options.watch {
        plan::offer_resume(context, known.as_ref(), kept)?;
    }
    let changed = !found.is_empty();
    let done = up::carry_out(&project, known, PreparedPlan::new(&project, &tasks, found))?;
    let failed = done.iter().any(|done| done.outcome.is_err());
    // A watch prints only changes.
    if changed || !options.watch {
        report(context, done, goes_on)?;
    }
    Ok(Pass { changed, failed })
}

fn report(context: &CommandContext, done: Vec<Done>, goes_on: bool) -> Result<(), CliError> {
    let view = show::report(&done);
    if context.json && goes_on {
        return Ok(output::write(output::json_line(&view)?.as_bytes())?);
    }
    if context.json {
        output::json(&view)?;
        return Ok(());
    }
    let err = output::stderr(context);
    for Done { step, outcome } in done {
        output::line(&plan::line(&step))?;
        if let Err(error) = outcome {
            let error = CliError::from(error);
            err.problems(&error.problems);
            err.error(&format!("{}: {}", step.pair, error.message));
            for hint in &error.hints {
                err.hint(hint);
            }
        }
    }
    if view.changes == 0 {
        err.note("nothing to do");
    }
    Ok(())
}

/// Reconciles on every change until Ctrl-C, with a backoff.
fn keep(context: &CommandContext, options: UpOptions) -> CommandResult {
    let mut interrupts = Interrupts::new()?;
    let mut backoff = BACKOFF.0;
    loop {
        // Watched anew each time, since the folders depend on the manifest.
        let changes = Project::open(&context.location, Depth::Shape).ok().and_then(|project| changes_of(&project).ok());
        let passed = match pass(context, options, true) {
            Ok(passed) => passed,
            Err(error) => {
                let _ = error.report(context);
                Pass { changed: false, failed: true }
            }
        };
        backoff = match passed {
            Pass { changed: true, failed: false } => BACKOFF.0,
            _ => (backoff * 2).min(BACKOFF.1),
        };
        let slept = Stopwatch::start();
        let woken = match &changes {
            Some(changes) => watch::wait_readable(&[interrupts.as_fd(), changes.as_fd()], Some(POLL_INTERVAL))?,
            None => watch::wait_readable(&[interrupts.as_fd()], Some(POLL_INTERVAL.min(Duration::from_secs(1))))?,
        };
        if woken.get(1) == Some(&true) {
            let rest = if passed.failed || !passed.changed { backoff } else { SETTLE };
            // A pass wakes the watch by its own records, so an immediate change waits for the backoff.
            watch::wait_readable(&[interrupts.as_fd()], Some(rest.saturating_sub(slept.elapsed()).max(SETTLE)))?;
        }
        if slept.elapsed() > BACKOFF.1 / 6 {
            backoff = BACKOFF.0;
        }
        if interrupts.take() > 0 {
            return Ok(ExitCode::from(130));
        }
    }
}

pub(super) fn down(context: &CommandContext) -> CommandResult {
    refuse_inside("down")?;
    let project = open(context, Depth::Shape)?;
    let tasks = project.tasks();
    let store = project_store::find(&project)?;
    let kept = store.as_ref().map(|store| reconcile::kept_by_up(&project, &tasks, store)).transpose()?;
    stop::all_of(context, store.as_ref(), &kept.unwrap_or_default())
}
