//! `dispatch approve`: lets a run that waits at its gate start, or ends it.

use std::process::ExitCode;

use crate::cli::args::ApproveArgs;
use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::{output, progress};
use crate::os::clock;
use crate::runner::approve;
use crate::runner::approve::Word;
use crate::runner::failure::Failure;
use crate::runner::project::Depth;
use crate::runner::project_store;
use crate::runner::up::refuse_inside;
use crate::view::run_view::RunView;

pub(super) fn run(context: &CommandContext, args: &ApproveArgs) -> CommandResult {
    refuse_inside("approve")?;
    let project = open(context, Depth::Shape)?;
    let pair = project_store::past_pair(&project, &args.mode, &args.task)?;
    let Some(store) = project_store::find(&project)? else {
        return Err(Failure::never_run(&pair).into());
    };
    let word = if args.reject { Word::Reject } else { Word::Approve };
    let run = approve::approve(&store, &pair, word)?;
    if context.json {
        output::json(&RunView::new(&run, clock::now()))?;
    } else {
        let verb = if args.reject { "rejected" } else { "approved" };
        output::line(&format!("{pair}: {verb} ({})", progress::words(&run)))?;
    }
    Ok(ExitCode::SUCCESS)
}
