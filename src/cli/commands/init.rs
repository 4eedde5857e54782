//! `dispatch init`: writes a starter project. Never overwrites.

use std::process::ExitCode;

use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::output;
use crate::lifecycle::project::init::{StarterFile, write_starter};

pub(super) fn run(context: &CommandContext) -> CommandResult {
    for (path, wrote) in write_starter(&context.location.folder)? {
        match wrote {
            StarterFile::New => output::line(&format!("wrote {}", path.display()))?,
            StarterFile::Kept => output::stderr(context).note(&format!("kept {} (already exists)", path.display())),
        }
    }
    output::stderr(context).note("next: `dispatch check`, then `dispatch modes` and `dispatch tasks`");
    Ok(ExitCode::SUCCESS)
}
