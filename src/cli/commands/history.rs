//! `dispatch history`: past runs with outcome, duration and cost, or their figures by day, mode, task or agent.

use std::process::ExitCode;

use crate::cli::args::HistoryArgs;
use crate::cli::commands::{history_by, local, open, say};
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::table::{self, Cell};
use crate::cli::{output, progress};
use crate::lifecycle::project::Depth;
use crate::lifecycle::project::project_store;
use crate::lifecycle::summary::past_figures::PastFigures;
use crate::lifecycle::summary::past_runs::{PastRuns, PastTasks};
use crate::lifecycle::{refresh, run_prefix};
use crate::model::run::Run;
use crate::os::clock;
use crate::store::index::HistoryPage;
use crate::view::amounts::{cost, duration};
use crate::view::past_view::{PastView, TotalsView};
use crate::view::run_view::RunView;

pub(super) fn run(context: &CommandContext, args: &HistoryArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let (mode, task) = (args.mode.clone(), args.task.clone().map(PastTasks::One));
    let past = PastRuns { mode, task, since: args.since, limit: args.limit, ..PastRuns::default() };
    let filter = past.clone().filter(&clock::local_zone())?;
    let now = clock::now();
    let (mut page, mut totals) = (HistoryPage::default(), TotalsView::default());
    let store = project_store::find(&project)?;
    if let Some(store) = &store {
        // Records ends first: runs that ended unobserved are part of the history.
        let noted = refresh::all(store)?;
        say(context, &noted.notices);
        let (found, notices) = store.past_page(&filter)?;
        say(context, &notices);
        page = found;
        if context.json {
            totals = PastFigures::read(store, &filter, &clock::local_zone())?.totals();
        }
    }
    let runs = &page.runs;
    if runs.is_empty() {
        past.check_names(&project, store.as_ref())?;
    }
    if let Some(by) = args.by
        && let Some(printed) = history_by::print(context, store.as_ref(), &filter, by)?
    {
        return Ok(printed);
    }
    if context.json {
        let runs = runs.iter().map(|run| RunView::new(run, now)).collect();
        let next = page.next.map(|next| next.to_string());
        return output::json(&PastView { runs, totals, next });
    }
    if runs.is_empty() {
        output::stderr(context).note(&none_found(args));
        return Ok(ExitCode::SUCCESS);
    }
    let ids = runs.iter().map(Run::id);
    let length = store.as_ref().map_or(Ok(0), |store| run_prefix::unique_length(store, ids))?;
    let has_nodes = runs.iter().any(|run| run.node().is_some());
    let rows: Vec<Vec<Cell>> = runs
        .iter()
        .map(|run| {
            let view = RunView::new(run, now);
            let exit = match (view.exit_code, view.signal) {
                (Some(code), _) => code.to_string(),
                (None, Some(signal)) => format!("signal {signal}"),
                (None, None) => "-".to_owned(),
            };
            let mut row = vec![
                Cell::new(view.ended_at.map(local).unwrap_or_default()),
                Cell::new(&view.task),
                Cell::new(&view.mode),
                match view.go_on {
                    Some(_) => Cell::coloured(format!("{} (needs a decision)", view.state), "33"),
                    None => progress::cell(run),
                },
                Cell::new(exit),
                Cell::new(view.duration_ms.map(duration).unwrap_or_default()),
                Cell::new(view.cost_usd.map(cost).unwrap_or_default()),
                Cell::new(view.run_id.get(..length).unwrap_or(&view.run_id)),
            ];
            if has_nodes {
                row.insert(row.len() - 1, Cell::new(view.node.unwrap_or_default()));
            }
            row
        })
        .collect();
    let mut heads = vec!["ENDED", "TASK", "MODE", "OUTCOME", "EXIT", "FOR", "COST", "RUN"];
    if has_nodes {
        heads.insert(heads.len() - 1, "NODE");
    }
    // Not cut to the terminal's width: the run id in the last column must stay unique.
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
