//! `dispatch history --by WHAT`: past runs added up by day, mode, task or agent.

use std::process::ExitCode;

use clap::ValueEnum as _;

use crate::cli::args::HistoryBy;
use crate::cli::context::CommandContext;
use crate::cli::error::CliError;
use crate::cli::output;
use crate::cli::table::{self, Cell};
use crate::lifecycle::store::Store;
use crate::lifecycle::summary::past_figures::PastFigures;
use crate::lifecycle::summary::past_groups::{self, GroupFigures, PastGrouping};
use crate::os::clock;
use crate::store::index::HistoryFilter;
use crate::view::amounts::{cost, duration};
use crate::view::past_groups_view::{PastGroupView, PastGroupsView};

/// Prints the groups. Returns `None` without a word if no run has ended.
pub(super) fn print(
    context: &CommandContext,
    store: Option<&Store>,
    filter: &HistoryFilter,
    by: HistoryBy,
) -> Result<Option<ExitCode>, CliError> {
    let zone = clock::local_zone();
    let groups = store.map_or(Ok(Vec::new()), |store| past_groups::read(store, filter, &zone, grouping(by)))?;
    if context.json {
        let totals =
            store.map_or(Ok(PastFigures::default()), |store| PastFigures::read(store, filter, &zone))?.totals();
        let groups = groups.into_iter().map(|(name, figures)| view(name, &figures)).collect();
        return output::json(&PastGroupsView { by: word(by), groups, totals }).map(Some);
    }
    if groups.is_empty() {
        return Ok(None);
    }
    let rows: Vec<Vec<Cell>> = groups.into_iter().map(|(name, figures)| row(name, &figures)).collect();
    let name = word(by).to_uppercase();
    let heads = [name.as_str(), "RUNS", "SUCCESS", "TIME", "COST"];
    output::write(table::render(&heads, &rows, None, context.colour.0).as_bytes())?;
    Ok(Some(ExitCode::SUCCESS))
}

fn row(name: Option<String>, figures: &GroupFigures) -> Vec<Cell> {
    let rate = figures.outcomes.success_rate();
    vec![
        Cell::new(name.unwrap_or_else(|| "-".to_owned())),
        Cell::new(figures.outcomes.total().to_string()),
        Cell::new(rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.0} %", rate * 100.0))),
        Cell::new(duration(figures.millis)),
        Cell::new(cost(figures.cost_usd)),
    ]
}

fn view(name: Option<String>, figures: &GroupFigures) -> PastGroupView {
    PastGroupView {
        name,
        runs: figures.outcomes.total(),
        outcomes: figures.outcomes.iter().map(|(state, count)| (state.as_str(), count)).collect(),
        success_rate: figures.outcomes.success_rate(),
        duration_ms: figures.millis,
        cost_usd: figures.cost_usd,
    }
}

fn grouping(by: HistoryBy) -> PastGrouping {
    match by {
        HistoryBy::Day => PastGrouping::Day,
        HistoryBy::Mode => PastGrouping::Mode,
        HistoryBy::Task => PastGrouping::Task,
        HistoryBy::Agent => PastGrouping::Agent,
    }
}

/// As on the command line.
fn word(by: HistoryBy) -> String {
    by.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
