//! The user's pager, as git finds it, but never one that the repository itself names.

use std::path::Path;
use std::process::Command;

use crate::os::environment;
use crate::os::git::error::GitError;
use crate::os::git::{answer, wary};

/// Lets `command`, a `git diff` on a terminal, use the pager of the user's own configuration.
pub(super) fn the_users(command: &mut Command, repository: &Path) -> Result<(), GitError> {
    // `pager.diff` enables a pager; GIT_PAGER names it.
    command.args(["-c", "pager.diff=true"]);
    let given = environment::var("GIT_PAGER");
    let pager = match given {
        Some(pager) => pager,
        None => match configured(repository)? {
            Some(pager) => pager.into(),
            None => environment::var("PAGER").unwrap_or_else(|| "less".into()),
        },
    };
    command.env("GIT_PAGER", pager);
    Ok(())
}

fn configured(repository: &Path) -> Result<Option<String>, GitError> {
    for key in ["pager.diff", "core.pager"] {
        for scope in ["--global", "--system"] {
            let get = ["config", scope, "--includes", "--get", key];
            let text = answer(wary(repository).args(get), repository)?.unwrap_or_default();
            match text.to_ascii_lowercase().as_str() {
                "" | "true" | "yes" | "on" | "1" => {}
                "false" | "no" | "off" | "0" => return Ok(Some("cat".to_owned())),
                _ => return Ok(Some(text)),
            }
        }
    }
    Ok(None)
}
