//! `dispatch init`: writes a starter project. Never overwrites.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::output;
use crate::lifecycle::project::init::{StarterFile, write_starter};

pub(super) fn run(context: &CommandContext) -> CommandResult {
    let files = write_starter(&context.location.folder)?;
    if context.json {
        let view = |(path, wrote): &(PathBuf, StarterFile)| json!({ "path": path, "new": *wrote == StarterFile::New });
        return output::json(&json!({ "files": files.iter().map(view).collect::<Vec<_>>() }));
    }
    for (path, wrote) in files {
        match wrote {
            StarterFile::New => output::line(&format!("wrote {}", path.display()))?,
            StarterFile::Kept => output::stderr(context).note(&format!("kept {} (already exists)", path.display())),
        }
    }
    output::stderr(context).note("next: `dispatch check`, then `dispatch modes` and `dispatch tasks`");
    Ok(ExitCode::SUCCESS)
}
