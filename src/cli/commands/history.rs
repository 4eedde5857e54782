//! `dispatch history`: past runs with outcome, duration and cost.

use std::process::ExitCode;

use crate::cli::args::History as Args;
use crate::cli::commands::{Answer, duration, local, open, say};
use crate::cli::error::CliError;
use crate::cli::meant::Meant;
use crate::cli::table::{self, Cell};
use crate::cli::{output, progress};
use crate::model::names::{ModeName, TaskId};
use crate::runner::project::{Depth, NameLookupError};
use crate::system::clock;
use crate::system::store::index::HistoryFilter;
use crate::tasks::FindError;
use crate::view::run_view::RunView;

/// So many are shown unless `--limit` says otherwise.
const LIMIT: u32 = 50;

pub(super) fn run(meant: &Meant, args: &Args) -> Answer {
    let project = open(meant, Depth::Shape)?;
    // Names of the past may be gone from the manifest: only their form is checked.
    if let Some(mode) = &args.mode {
        ModeName::parse(mode).map_err(|error| CliError::from(NameLookupError::InvalidMode(error)))?;
    }
    if let Some(task) = &args.task {
        TaskId::parse(task).map_err(|error| CliError::from(FindError::InvalidName(error)))?;
    }
    let now = clock::now();
    let filter = HistoryFilter {
        mode: args.mode.clone(),
        task: args.task.clone(),
        since_ms: args.since.map(|since| {
            let ms = i64::try_from(since.as_duration().as_millis()).unwrap_or(i64::MAX);
            now.as_millisecond().saturating_sub(ms)
        }),
        limit: Some(args.limit.unwrap_or(LIMIT)),
    };
    let mut runs = Vec::new();
    if let Some(ledger) = project.ledger()? {
        // Ends that nobody has noted yet belong to the past, too.
        let noted = ledger.observe()?;
        say(meant, &noted.notices);
        let observed = ledger.history(&filter)?;
        say(meant, &observed.notices);
        runs = observed.runs;
    }
    if meant.json {
        let views: Vec<RunView> = runs.iter().map(|run| RunView::new(run, now)).collect();
        output::json(&serde_json::json!({ "runs": views }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if runs.is_empty() {
        output::stderr(meant).note("no run has ended yet");
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
                progress::cell(run),
                Cell::new(exit),
                Cell::new(view.duration_ms.map(duration).unwrap_or_default()),
                Cell::new(view.cost_usd.map(|cost| format!("${cost:.4}")).unwrap_or_default()),
                Cell::new(&view.run_id),
            ]
        })
        .collect();
    let heads = ["ENDED", "TASK", "MODE", "OUTCOME", "EXIT", "FOR", "COST", "RUN"];
    output::write(table::render(&heads, &rows, table::terminal_width(), meant.colour.0).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
