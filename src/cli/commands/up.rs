//! `dispatch up` and `dispatch down`: making `runs:` true, and stopping what it keeps.

use std::os::fd::AsFd as _;
use std::process::ExitCode;
use std::time::Duration;

use crate::cli::args::Up as Args;
use crate::cli::commands::{Answer, open, plan, stop};
use crate::cli::error::{CliError, FAILED};
use crate::cli::interrupts::Interrupts;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::plan::diff::Options;
use crate::runner::apply::Done;
use crate::runner::project::{Depth, Project};
use crate::runner::project_store;
use crate::runner::reconcile;
use crate::runner::reconcile::changes_of;
use crate::runner::show;
use crate::runner::up;
use crate::runner::up::refuse_inside;
use crate::system::clock::Stopwatch;
use crate::system::watch;

/// What no event tells of is looked for this often.
const LOOK: Duration = Duration::from_secs(10);
/// Changes that come together are one.
const SETTLE: Duration = Duration::from_millis(100);
/// After a pass that could do nothing with what woke it, or failed, the next waits longer.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

pub(super) fn run(meant: &Meant, args: &Args) -> Answer {
    refuse_inside("up")?;
    let options = Options { recreate: args.recreate, prune: args.prune, watch: false };
    let first = pass(meant, options);
    if !args.watch {
        return first.map(|passed| passed.code());
    }
    if let Err(error) = first {
        // A mistake now is as good as one later: it is told, and awaited to be mended.
        let _ = error.report(meant);
    }
    keep(meant, Options { watch: true, recreate: false, ..options })
}

/// What one look and what was done about it came to.
struct Pass {
    changed: bool,
    failed: bool,
}

impl Pass {
    fn code(&self) -> ExitCode {
        if self.failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
    }
}

fn pass(meant: &Meant, options: Options) -> Result<Pass, CliError> {
    let project = open(meant, Depth::Whole)?;
    let tasks = project.tasks();
    let known = project_store::find(&project)?;
    let found = plan::look(meant, &project, &tasks, known.as_ref(), options)?;
    let kept = found.steps.iter().filter(|step| !step.is_action());
    if !meant.json && !options.watch {
        plan::offer_resume(meant, known.as_ref(), kept)?;
    }
    let done = up::carry_out(&project, &tasks, known, &found)?;
    let failed = done.iter().any(|done| done.outcome.is_err());
    let changed = !found.is_empty();
    // A watch speaks when something happens.
    if changed || !options.watch {
        report(meant, done)?;
    }
    Ok(Pass { changed, failed })
}

fn report(meant: &Meant, done: Vec<Done>) -> Result<(), CliError> {
    let view = show::report(&done);
    if meant.json {
        return output::json(&view);
    }
    let err = output::stderr(meant);
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

/// Reconciles on every change until Ctrl-C, and never hot.
fn keep(meant: &Meant, options: Options) -> Answer {
    let mut interrupts = Interrupts::new()?;
    let mut patience = PATIENCE.0;
    loop {
        // Watched anew each time: folders come and go with the manifest.
        let changes = Project::open(&meant.whence, Depth::Shape).ok().and_then(|project| changes_of(&project).ok());
        let passed = match pass(meant, options) {
            Ok(passed) => passed,
            Err(error) => {
                let _ = error.report(meant);
                Pass { changed: false, failed: true }
            }
        };
        patience = match passed {
            Pass { changed: true, failed: false } => PATIENCE.0,
            _ => (patience * 2).min(PATIENCE.1),
        };
        let slept = Stopwatch::start();
        let woken = match &changes {
            Some(changes) => watch::wait_readable(&[interrupts.as_fd(), changes.as_fd()], Some(LOOK))?,
            None => watch::wait_readable(&[interrupts.as_fd()], Some(LOOK.min(Duration::from_secs(1))))?,
        };
        if woken.get(1) == Some(&true) {
            let rest = if passed.failed || !passed.changed { patience } else { SETTLE };
            // A pass wakes us by its own records: what follows at once is worth less hurry.
            watch::wait_readable(&[interrupts.as_fd()], Some(rest.saturating_sub(slept.elapsed()).max(SETTLE)))?;
        }
        if slept.elapsed() > PATIENCE.1 / 6 {
            patience = PATIENCE.0;
        }
        if interrupts.take() > 0 {
            return Ok(ExitCode::from(130));
        }
    }
}

/// `down`.
pub(super) fn down(meant: &Meant) -> Answer {
    refuse_inside("down")?;
    let project = open(meant, Depth::Shape)?;
    let tasks = project.tasks();
    let Some(store) = project_store::find(&project)? else {
        output::stderr(meant).note("nothing runs");
        return Ok(ExitCode::SUCCESS);
    };
    let kept = reconcile::kept_by_up(&project, &tasks, &store)?;
    stop::all_of(meant, Some(&store), &kept)
}
