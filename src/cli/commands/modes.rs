//! `dispatch modes`: what there is to run, and where each comes from.

use std::process::ExitCode;

use crate::cli::commands::{Answer, open};
use crate::cli::frames;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::cli::table::{self, Cell};
use crate::runner::project::Depth;
use crate::runner::show;

pub(super) fn run(meant: &Meant) -> Answer {
    let project = open(meant, Depth::Whole)?;
    let view = show::modes(&project, &frames::here());
    if meant.json {
        output::json(&view)?;
        return Ok(ExitCode::SUCCESS);
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
    output::write(table::render(&heads, &rows, table::terminal_width(), meant.colour.0).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
