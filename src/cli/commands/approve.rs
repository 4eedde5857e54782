//! `dispatch approve`: a person's word on a run that waits at its gate.

use std::process::ExitCode;

use crate::cli::args::Approve as Args;
use crate::cli::commands::{Answer, open};
use crate::cli::meant::Meant;
use crate::cli::{output, progress};
use crate::runner::approve;
use crate::runner::approve::Word;
use crate::runner::failure::Failure;
use crate::runner::project::Depth;
use crate::runner::project_store;
use crate::runner::up::refuse_inside;
use crate::system::clock;
use crate::view::run_view::RunView;

pub(super) fn run(meant: &Meant, args: &Args) -> Answer {
    refuse_inside("approve")?;
    let project = open(meant, Depth::Shape)?;
    let pair = project_store::past_pair(&project, &args.mode, &args.task)?;
    let Some(store) = project_store::find(&project)? else {
        return Err(Failure::never_run(&pair).into());
    };
    let word = if args.reject { Word::Reject } else { Word::Approve };
    let run = approve::approve(&store, &pair, word)?;
    if meant.json {
        output::json(&RunView::new(&run, clock::now()))?;
    } else {
        let said = if args.reject { "rejected" } else { "approved" };
        output::line(&format!("{pair}: {said} ({})", progress::words(&run)))?;
    }
    Ok(ExitCode::SUCCESS)
}
