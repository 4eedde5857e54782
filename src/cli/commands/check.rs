//! `dispatch check`: manifest, templates and tasks, all problems at once. Runs nothing.

use std::process::ExitCode;

use crate::cli::commands::Answer;
use crate::cli::error::{CliError, FAILED};
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::model::problem::summary;
use crate::runner::check::{Checked, check};
use crate::view::problem_view::ProblemView;

pub(super) fn run(meant: &Meant) -> Answer {
    let checked = check(&meant.whence)?;
    let failed = checked.has_errors();
    let Checked { problems, counts } = checked;
    if meant.json {
        let views: Vec<ProblemView> = problems.iter().map(ProblemView::new).collect();
        output::json(&serde_json::json!({ "ok": !failed, "problems": views }))?;
        return Ok(ExitCode::from(if failed { FAILED } else { 0 }));
    }
    output::stderr(meant).problems(&problems);
    if failed {
        return Err(CliError::new(FAILED, summary(&problems)));
    }
    if let Some((modes, tasks)) = counts {
        let s = |n: usize| if n == 1 { "" } else { "s" };
        output::line(&format!("ok: {modes} mode{}, {tasks} task{}", s(modes), s(tasks)))?;
    }
    Ok(ExitCode::SUCCESS)
}
