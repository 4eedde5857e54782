//! `dispatch check`: all problems of manifest, templates and tasks. Runs nothing.

use std::process::ExitCode;

use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED};
use crate::cli::output;
use crate::lifecycle::project::check::{CheckReport, check};
use crate::model::problem::summary;
use crate::view::problem_view::ProblemView;

pub(super) fn run(context: &CommandContext) -> CommandResult {
    let checked = check(&context.location)?;
    let failed = checked.has_errors();
    let CheckReport { problems, counts } = checked;
    if context.json {
        let views: Vec<ProblemView> = problems.iter().map(ProblemView::new).collect();
        output::json(&serde_json::json!({ "ok": !failed, "problems": views }))?;
        return Ok(ExitCode::from(if failed { FAILED } else { 0 }));
    }
    output::stderr(context).problems(&problems);
    if failed {
        return Err(CliError::new(FAILED, summary(&problems)));
    }
    if let Some((modes, tasks)) = counts {
        let s = |n: usize| if n == 1 { "" } else { "s" };
        output::line(&format!("ok: {modes} mode{}, {tasks} task{}", s(modes), s(tasks)))?;
    }
    Ok(ExitCode::SUCCESS)
}
