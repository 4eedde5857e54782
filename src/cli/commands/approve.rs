//! `dispatch approve`: lets a run that waits at its gate start, or ends it.

use std::process::ExitCode;

use crate::cli::args::ApproveArgs;
use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::CommandResult;
use crate::cli::{output, progress};
use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::project::{Depth, project_store};
use crate::lifecycle::queue::approve::{self, GateDecision, RejectReason};
use crate::lifecycle::reconcile::up::refuse_inside;
use crate::os::clock;
use crate::view::run_view::RunView;

pub(super) fn run(context: &CommandContext, args: &ApproveArgs) -> CommandResult {
    refuse_inside("approve")?;
    let project = open(context, Depth::Shape)?;
    let pair = project_store::past_pair(&project, &args.mode, &args.task)?;
    let Some(store) = project_store::find(&project)? else {
        return Err(Failure::never_run(&pair).into());
    };
    let reason = RejectReason::parse(args.reason.as_deref().unwrap_or_default())
        .map_err(|error| Failure::new(Kind::Usage, error.to_string()))?;
    let decision = if args.reject { GateDecision::Reject { reason } } else { GateDecision::Approve };
    let run = approve::approve(&store, &pair, decision)?;
    if context.json {
        output::json(&RunView::new(&run, clock::now()))?;
    } else {
        let verb = if args.reject { "rejected" } else { "approved" };
        output::line(&format!("{pair}: {verb} ({})", progress::words(&run)))?;
    }
    Ok(ExitCode::SUCCESS)
}
