//! `dispatch doctor`: what is missing, and how to fix it.

use std::process::ExitCode;

use crate::cli::context::CommandContext;
use crate::cli::error::{CommandResult, FAILED};
use crate::cli::output;
use crate::cli::table::{self, Cell};
use crate::lifecycle::doctor::{Finding, FindingState, examine};

pub(super) fn run(context: &CommandContext) -> CommandResult {
    let findings = examine(&context.location);
    let failed = findings.iter().any(|finding| finding.state == FindingState::Fail);
    if context.json {
        let views: Vec<_> = findings.iter().map(view).collect();
        output::json(&serde_json::json!({ "ok": !failed, "findings": views }))?;
        return Ok(ExitCode::from(if failed { FAILED } else { 0 }));
    }
    let rows: Vec<Vec<Cell>> = findings
        .iter()
        .map(|finding| {
            let colour = match finding.state {
                FindingState::Ok => "32",
                FindingState::Fail => "31",
                FindingState::Warn => "33",
            };
            vec![Cell::new(&finding.what), Cell::coloured(finding.state.as_str(), colour), Cell::new(&finding.found)]
        })
        .collect();
    output::write(
        table::render_wrapped(&["WHAT", "STATE", "FOUND"], &rows, table::terminal_width(), context.colour.0).as_bytes(),
    )?;
    for finding in &findings {
        if let Some(fix) = &finding.fix {
            output::stderr(context).hint(&format!("{}: {fix}", finding.what));
        }
    }
    Ok(ExitCode::from(if failed { FAILED } else { 0 }))
}

fn view(finding: &Finding) -> serde_json::Value {
    serde_json::json!({ "what": finding.what, "state": finding.state.as_str(), "found": finding.found, "cure": finding.fix })
}
