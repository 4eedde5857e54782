//! `dispatch history`: past runs with outcome, duration and cost.

use std::process::ExitCode;

use crate::cli::args::HistoryArgs;
use crate::cli::commands::{duration, local, open, say};
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::table::{self, Cell};
use crate::cli::{output, progress};
use crate::lifecycle::project::Depth;
use crate::lifecycle::project::project_store;
use crate::lifecycle::refresh;
use crate::lifecycle::summary::past_runs::PastRuns;
use crate::os::clock;
use crate::view::run_view::RunView;

pub(super) fn run(context: &CommandContext, args: &HistoryArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let (mode, task) = (args.mode.clone(), args.task.clone());
    let past = PastRuns { mode, task, since: args.since, limit: args.limit, ..PastRuns::default() };
    let filter = past.clone().filter()?;
    let now = clock::now();
    let mut runs = Vec::new();
    let store = project_store::find(&project)?;
    if let Some(store) = &store {
        // Records ends first: runs that ended unobserved are part of the history.
        let noted = refresh::all(store)?;
        say(context, &noted.notices);
        let observed = store.history(&filter)?;
        say(context, &observed.notices);
        runs = observed.runs;
    }
    if runs.is_empty() {
        past.check_names(&project, store.as_ref())?;
    }
    if context.json {
        let views: Vec<RunView> = runs.iter().map(|run| RunView::new(run, now)).collect();
        return output::json(&serde_json::json!({ "runs": views }));
    }
    if runs.is_empty() {
        output::stderr(context).note(&none_found(args));
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<Cell>> = runs
        .iter()
        .map(|run| {
            let view = RunView::new(run, now);
            let exit = match (view.exit_code, view.signal) {
                (Some(code), _) => code.to_string(),
                (None, Some(signal)) => format!("signal {signal}"),
                (None, None) => "-".to_owned(),
            };
            vec![
                Cell::new(view.ended_at.map(local).unwrap_or_default()),
                Cell::new(&view.task),
                Cell::new(&view.mode),
                match view.go_on {
                    Some(_) => Cell::coloured(format!("{} (needs a decision)", view.state), "33"),
                    None => progress::cell(run),
                },
                Cell::new(exit),
                Cell::new(view.duration_ms.map(duration).unwrap_or_default()),
                Cell::new(view.cost_usd.map(|cost| format!("${cost:.4}")).unwrap_or_default()),
                Cell::new(&view.run_id),
            ]
        })
        .collect();
    let heads = ["ENDED", "TASK", "MODE", "OUTCOME", "EXIT", "FOR", "COST", "RUN"];
    // Not cut to the terminal's width: the last column is the run id, which must be complete.
    output::write(table::render(&heads, &rows, None, context.colour.0).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The message for an empty result, with the options.
fn none_found(args: &HistoryArgs) -> String {
    let options = [
        args.mode.as_ref().map(|mode| format!("--mode {mode}")),
        args.task.as_ref().map(|task| format!("--task {task}")),
        args.since.map(|since| format!("--since {since}")),
    ];
    let options: Vec<String> = options.into_iter().flatten().collect();
    if options.is_empty() {
        "no run has ended yet".to_owned()
    } else {
        format!("no ended run matches {}", options.join(" "))
    }
}
