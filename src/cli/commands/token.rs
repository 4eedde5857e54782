//! `dispatch token`: prints the running server's token.

use std::process::ExitCode;

use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED};
use crate::cli::output;
use crate::lifecycle::project::{Depth, project_store};
use crate::lifecycle::reconcile::up::refuse_inside;
use crate::lifecycle::server_registry;

pub(super) fn run(context: &CommandContext) -> CommandResult {
    refuse_inside("token")?;
    let project = open(context, Depth::Shape)?;
    let server = project_store::find(&project)?.map(|store| server_registry::server(&store)).transpose()?.flatten();
    let Some(server) = server else {
        return Err(CliError::new(FAILED, "no server runs for this project").hint("dispatch serve"));
    };
    if context.json {
        let (token, address) = (&server.token, &server.address);
        output::json(&serde_json::json!({ "token": token, "address": address, "pid": server.pid }))?;
    } else {
        output::line(&server.token)?;
    }
    Ok(ExitCode::SUCCESS)
}
