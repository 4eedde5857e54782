//! `dispatch plan`: the steps of `up`, with reasons.

use std::process::ExitCode;

use crate::cli::args::PlanArgs;
use crate::cli::commands::{open, say};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult};
use crate::cli::output;
use crate::lifecycle::project::{Depth, Project, project_store, show};
use crate::lifecycle::reconcile::prepared_plan::PreparedPlan;
use crate::lifecycle::store::Store;
use crate::lifecycle::{reconcile, refresh};
use crate::plan::diff::{Plan, UpOptions};
use crate::plan::step::{Action, Kept, Step};
use crate::tasks::TaskSet;

/// The exit code of `--exit-code` if the plan has changes.
const CHANGES: u8 = 2;

pub(super) fn run(context: &CommandContext, args: &PlanArgs) -> CommandResult {
    let project = open(context, Depth::Whole)?;
    let tasks = project.tasks();
    let options = UpOptions { recreate: args.recreate, prune: args.prune, watch: false };
    let store = project_store::find(&project)?;
    let plan = look(context, &project, &tasks, store.as_ref(), options)?;
    if context.json {
        output::json(&show::plan(&PreparedPlan::new(&project, &tasks, plan.clone())))?;
    } else {
        print(context, &plan)?;
        offer_resume(context, store.as_ref(), plan.steps.iter())?;
    }
    let changes = args.exit_code && !plan.is_empty();
    Ok(if changes { ExitCode::from(CHANGES) } else { ExitCode::SUCCESS })
}

pub(super) fn look(
    context: &CommandContext,
    project: &Project,
    tasks: &TaskSet,
    store: Option<&Store>,
    options: UpOptions,
) -> Result<Plan, CliError> {
    let report = reconcile::plan(project, tasks, store, options)?;
    say(context, &report.notices);
    // A watch does not repeat them.
    for words in report.unmatched.iter().filter(|_| !options.watch) {
        output::stderr(context).note(words);
    }
    Ok(report.plan)
}

/// Prints a hint for each window that did not succeed and can be resumed.
pub(super) fn offer_resume<'a>(
    context: &CommandContext,
    store: Option<&Store>,
    steps: impl Iterator<Item = &'a Step>,
) -> Result<(), CliError> {
    let Some(store) = store else { return Ok(()) };
    for step in steps {
        let (Action::Restart { last: id, .. } | Action::Keep(Kept::Satisfied(id, _))) = &step.action else { continue };
        if refresh::one(store, id)?.is_some_and(|run| run.offers_resume()) {
            let pair = &step.pair;
            output::stderr(context).hint(&format!("`dispatch run --resume {pair}` goes on in its conversation"));
        }
    }
    Ok(())
}

fn print(context: &CommandContext, plan: &Plan) -> Result<(), CliError> {
    let mut text = String::new();
    for step in &plan.steps {
        text.push_str(&line(step));
        text.push('\n');
    }
    output::write(text.as_bytes())?;
    let err = output::stderr(context);
    match (plan.actions().count(), plan.steps.is_empty()) {
        (0, true) => err.note("`runs:` wants nothing"),
        (0, false) => err.note("nothing to do"),
        (1, _) => err.note("1 change; `dispatch up` makes it"),
        (count, _) => err.note(&format!("{count} changes; `dispatch up` makes them")),
    }
    Ok(())
}

/// `+ review T-1 (missing)`, indented below the step that it waits for.
pub(super) fn line(step: &Step) -> String {
    let sign = match &step.action {
        Action::Start | Action::Restart { .. } => '+',
        Action::Recreate { .. } => '~',
        Action::Stop { .. } => '-',
        Action::Keep(_) => '=',
        Action::Drifted { .. } | Action::Unselected { .. } | Action::Orphan { .. } | Action::Held { .. } => '!',
        Action::Unknown { .. } => '?',
    };
    let indent = "  ".repeat(step.depth);
    let mut line = format!("{sign} {indent}{} {}: {}", step.action.word(), step.pair, step.reason());
    if let Some(executor) = &step.executor {
        line.push_str(&format!(", on {executor}"));
    }
    if !step.after.is_empty() {
        const SHOWN: usize = 3;
        let names: Vec<String> = step.after.iter().take(SHOWN).map(ToString::to_string).collect();
        line.push_str(&format!(", after {}", names.join(", ")));
        if step.after.len() > SHOWN {
            line.push_str(&format!(" and {} more", step.after.len() - SHOWN));
        }
    }
    crate::agents::sanitize_line(&line)
}
