//! `dispatch check`: manifest, templates and tasks, all problems at once. Runs nothing.

use std::process::ExitCode;

use crate::cli::commands::Answer;
use crate::cli::error::{CliError, FAILED};
use crate::cli::frames;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::model::problem::Problem;
use crate::plan::order::order_problem;
use crate::plan::wanted::wanted;
use crate::runner::project::{Depth, OpenError, Project};
use crate::view::problem_view::ProblemView;

pub(super) fn run(meant: &Meant) -> Answer {
    let (problems, counts): (Vec<Problem>, _) = match Project::open(&meant.whence, Depth::Whole) {
        Ok(project) => {
            let tasks = project.tasks();
            let wanted = wanted(&project.manifest, &tasks);
            let mut problems: Vec<Problem> = project.problems.iter().chain(tasks.problems()).cloned().collect();
            problems.extend(wanted.problems);
            problems.extend(order_problem(&tasks));
            (problems, Some((project.manifest.modes.len(), tasks.tasks().len())))
        }
        Err(OpenError::Problems { problems }) => (problems, None),
        Err(error) => return Err(error.into()),
    };
    let failed = problems.iter().any(Problem::is_error);
    if meant.json {
        let views: Vec<ProblemView> = problems.iter().map(ProblemView::new).collect();
        output::json(&serde_json::json!({ "ok": !failed, "problems": views }))?;
        return Ok(ExitCode::from(if failed { FAILED } else { 0 }));
    }
    output::stderr(meant).problems(&problems);
    if failed {
        return Err(CliError::new(FAILED, frames::summary(&problems)));
    }
    if let Some((modes, tasks)) = counts {
        let s = |n: usize| if n == 1 { "" } else { "s" };
        output::line(&format!("ok: {modes} mode{}, {tasks} task{}", s(modes), s(tasks)))?;
    }
    Ok(ExitCode::SUCCESS)
}
