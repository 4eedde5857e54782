//! `dispatch modes`: what there is to run, and where each comes from.

use std::process::ExitCode;

use crate::cli::commands::{Answer, open};
use crate::cli::frames;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::cli::table::{self, Cell};
use crate::manifest::Origin;
use crate::runner::project::Depth;
use crate::view::mode_view::ModeView;

pub(super) fn run(meant: &Meant) -> Answer {
    let project = open(meant, Depth::Whole)?;
    let views: Vec<ModeView> = project
        .manifest
        .modes
        .values()
        .map(|mode| ModeView {
            name: mode.name.to_string(),
            description: mode.description.clone(),
            interactive: mode.interactive,
            agent: mode.agent.clone(),
            origin: match &mode.origin {
                Origin::BuiltIn => "built in".to_owned(),
                Origin::Manifest { line } => format!("{}:{line}", frames::shown(&project.manifest.path)),
                Origin::CommandFile(path) => frames::shown(path),
            },
        })
        .collect();
    if meant.json {
        output::json(&serde_json::json!({ "modes": views }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<Cell>> = views
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
