//! `dispatch modes`: the modes, and where each is defined.

use std::process::ExitCode;

use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::table::{self, Cell};
use crate::cli::{frames, output};
use crate::lifecycle::project::{Depth, show};

pub(super) fn run(context: &CommandContext) -> CommandResult {
    let project = open(context, Depth::Whole)?;
    let view = show::modes(&project, &frames::here());
    if context.json {
        return output::json(&view);
    }
    let rows: Vec<Vec<Cell>> = view
        .modes
        .iter()
        .map(|view| {
            let kind = if view.interactive { "interactive" } else { "headless" };
            vec![
                Cell::new(&view.name),
                Cell::new(kind),
                Cell::new(&view.agent),
                Cell::new(&view.origin),
                Cell::new(&view.description),
            ]
        })
        .collect();
    let heads = ["MODE", "KIND", "AGENT", "FROM", "DESCRIPTION"];
    table::print(context, &heads, &rows)?;
    Ok(ExitCode::SUCCESS)
}
