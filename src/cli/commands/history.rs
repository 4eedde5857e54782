//! `dispatch history`: past runs with outcome, duration and cost.

use std::process::ExitCode;

use crate::cli::args::History as Args;
use crate::cli::commands::{Answer, duration, local, open, say};
use crate::cli::meant::Meant;
use crate::cli::table::{self, Cell};
use crate::cli::{output, progress};
use crate::runner::observe;
use crate::runner::past::Past;
use crate::runner::project::Depth;
use crate::runner::project_store;
use crate::system::clock;
use crate::view::run_view::RunView;

pub(super) fn run(meant: &Meant, args: &Args) -> Answer {
    let project = open(meant, Depth::Shape)?;
    let (mode, task) = (args.mode.clone(), args.task.clone());
    let asked = Past { mode, task, since: args.since, limit: args.limit, ..Past::default() };
    let filter = asked.clone().filter()?;
    let now = clock::now();
    let mut runs = Vec::new();
    let store = project_store::find(&project)?;
    if let Some(store) = &store {
        // Ends that nobody has noted yet belong to the past, too.
        let noted = observe::observe(store)?;
        say(meant, &noted.notices);
        let observed = store.history(&filter)?;
        say(meant, &observed.notices);
        runs = observed.runs;
    }
    if runs.is_empty() {
        asked.check_names(&project, store.as_ref())?;
    }
    if meant.json {
        let views: Vec<RunView> = runs.iter().map(|run| RunView::new(run, now)).collect();
        output::json(&serde_json::json!({ "runs": views }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if runs.is_empty() {
        output::stderr(meant).note(&none_found(args));
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
    // The last column is the id by which a run is named: a narrow terminal wraps it, and nothing is lost.
    output::write(table::render(&heads, &rows, None, meant.colour.0).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The answer where there is no row: what was asked for is part of it.
fn none_found(args: &Args) -> String {
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
