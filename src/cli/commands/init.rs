//! `dispatch init`: a starter project. Never overwrites.

use std::process::ExitCode;

use crate::cli::commands::Answer;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::runner::init::{Wrote, write_starter};

pub(super) fn run(meant: &Meant) -> Answer {
    for (path, wrote) in write_starter(&meant.whence.folder)? {
        match wrote {
            Wrote::New => output::line(&format!("wrote {}", path.display()))?,
            Wrote::Kept => output::stderr(meant).note(&format!("kept {} (already exists)", path.display())),
        }
    }
    output::stderr(meant).note("next: `dispatch check`, then `dispatch modes` and `dispatch tasks`");
    Ok(ExitCode::SUCCESS)
}
