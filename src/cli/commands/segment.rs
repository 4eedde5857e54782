//! `dispatch status --tmux`: counts of runs in a few characters, for tmux's status line.

use std::process::ExitCode;

use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::output;
use crate::lifecycle::observe::EarlyListing;
use crate::lifecycle::project::{Depth, OpenError, Project, project_store};
use crate::lifecycle::summary::counts::Counts;
use crate::lifecycle::summary::overview::{self, RECENT};
use crate::os::{clock, environment};

/// Sign, sign in ASCII, and colour.
const SIGNS: [(&str, &str, &str); 6] = [
    ("⚑", "!", "yellow"),
    ("▶", ">", "green"),
    ("⏸", "=", "default"),
    ("…", "~", "default"),
    ("✗", "x", "red"),
    ("?", "?", "magenta"),
];

pub(super) fn run(context: &CommandContext, early: Option<EarlyListing>) -> CommandResult {
    // A status line may follow the pane's folder: a folder without a project is no error.
    let project = match Project::open(&context.location, Depth::Shape) {
        Err(OpenError::NotFound { .. }) => None,
        opened => Some(opened?),
    };
    let store = project.as_ref().map(project_store::find).transpose()?.flatten().map(|store| store.to_show());
    let seen = store.map(|store| overview::overview(&store, RECENT, early)).transpose()?;
    let runs = seen.map(|seen| seen.runs).unwrap_or_default();
    let counts = Counts::of(&runs, clock::now());
    if context.json {
        let Counts { waiting, running, idle, queued, failed, unknown } = counts;
        return output::json(&serde_json::json!({
            "waiting": waiting, "running": running, "idle": idle, "queued": queued, "failed": failed,
            "unknown": unknown,
        }));
    }
    let shown = segment(counts, speaks_utf8(), context.styled);
    if !shown.is_empty() {
        output::line(&shown)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Contains only signs and numbers, so that tmux finds no format in it.
fn segment(counts: Counts, utf8: bool, styled: bool) -> String {
    let Counts { waiting, running, idle, queued, failed, unknown } = counts;
    let parts = SIGNS.iter().zip([waiting, running, idle, queued, failed, unknown]);
    let shown = parts.filter(|(_, count)| *count > 0).map(|((sign, ascii, colour), count)| {
        let sign = if utf8 { sign } else { ascii };
        match styled && *colour != "default" {
            true => format!("#[fg={colour}]{sign}{count}#[default]"),
            false => format!("{sign}{count}"),
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Whether the locale is UTF-8, by the first variable that is set.
fn speaks_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(environment::var_text);
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_shown() {
        let counts = Counts { waiting: 2, running: 3, failed: 1, ..Counts::default() };
        let styled = "#[fg=yellow]⚑2#[default] #[fg=green]▶3#[default] #[fg=red]✗1#[default]";
        assert_eq!(segment(counts, true, true), styled);
        assert_eq!(segment(counts, true, false), "⚑2 ▶3 ✗1");
        assert_eq!(segment(counts, false, false), "!2 >3 x1");
        assert_eq!(segment(Counts::default(), true, true), "");
        let rest = Counts { idle: 4, queued: 5, unknown: 6, ..Counts::default() };
        assert_eq!(segment(rest, true, true), "⏸4 …5 #[fg=magenta]?6#[default]");
    }
}
