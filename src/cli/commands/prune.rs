//! `dispatch prune`: deletes old runs by the manifest's retention.

use std::process::ExitCode;

use crate::cli::args::PruneArgs;
use crate::cli::commands::{open, say};
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::output;
use crate::lifecycle::project::{Depth, project_store};
use crate::lifecycle::{prune, refresh};
use crate::model::run_spec::Keep;

pub(super) fn run(context: &CommandContext, args: &PruneArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let keep =
        Keep { runs_per_pair: project.manifest.retention.runs_per_pair, max_age: project.manifest.retention.max_age };
    let mut pruned = Vec::new();
    if let Some(store) = project_store::find(&project)? {
        say(context, &refresh::all(&store)?.notices);
        for pair in prune::pairs(&store)? {
            let ids = if args.dry_run {
                prune::prunable(&store, &pair, Some(&keep))?
            } else {
                prune::prune_pair(&store, &pair, Some(&keep))?
            };
            for id in ids {
                if !context.json {
                    output::line(&format!("{id} {pair}"))?;
                }
                pruned.push(id.to_string());
            }
        }
    }
    if context.json {
        output::json(&serde_json::json!({ "pruned": pruned, "dryRun": args.dry_run }))?;
    } else if !context.quiet {
        let verb = if args.dry_run { "would delete" } else { "deleted" };
        output::stderr(context).note(&format!("{verb} {} runs", pruned.len()));
    }
    Ok(ExitCode::SUCCESS)
}
