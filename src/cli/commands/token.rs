//! `dispatch token`: prints the running server's token.

use std::process::ExitCode;

use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED};
use crate::cli::output;
use crate::lifecycle::project::served::ServedProject;
use crate::lifecycle::reconcile::up::refuse_inside;
use crate::lifecycle::server_registry;

pub(super) fn run(context: &CommandContext) -> CommandResult {
    refuse_inside("token")?;
    // A server runs also while the manifest has errors.
    let store = ServedProject::open(&context.location)?.find_store()?;
    let server = store.map(|store| server_registry::server(&store)).transpose()?.flatten();
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
