//! `dispatch send`: types a text into an interactive run and presses Enter.

use std::io::{self, IsTerminal as _, Read as _};
use std::process::ExitCode;

use crate::cli::args::SendArgs;
use crate::cli::commands::open;
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult, FAILED, USAGE};
use crate::cli::output;
use crate::lifecycle::failure::Failure;
use crate::lifecycle::project::Depth;
use crate::lifecycle::project::project_store;
use crate::lifecycle::refresh;
use crate::lifecycle::window::send;
use crate::lifecycle::window::send::Sent;
use crate::model::message::{MAX_MESSAGE, Message};
use crate::model::run::Run;
use crate::view::sent_view::SentView;

pub(super) fn run(context: &CommandContext, args: &SendArgs) -> CommandResult {
    let project = open(context, Depth::Shape)?;
    let pair = project_store::past_pair(&project, &args.mode, &args.task)?;
    let store = project_store::find(&project)?;
    let run = store.as_ref().map(|store| refresh::last_run(store, &pair)).transpose()?.flatten();
    let (Some(store), Some(run)) = (store, run) else { return Err(Failure::never_run(&pair).into()) };
    if run.facts.form.is_job() {
        return Err(CliError::new(USAGE, format!("`{pair}` is headless: it has no window")));
    }
    if !run.is_active() {
        return Err(CliError::new(FAILED, format!("`{pair}` is not running")).hint(format!("dispatch run {pair}")));
    }
    let message = message(args.text.as_deref())?;
    let sent = send::send(&store, &run, &message)?;
    report(context, &run, sent)
}

/// The text as typed, or all of stdin.
fn message(typed: Option<&str>) -> Result<Message, CliError> {
    let read = match typed {
        Some(text) if text != "-" => return Ok(Message::parse(text.into())?),
        Some(_) => true,
        None => !io::stdin().is_terminal(),
    };
    if !read {
        return Err(CliError::new(USAGE, "no text was given").hint("`-` reads it from stdin"));
    }
    let mut bytes = Vec::new();
    // One byte over the limit is refused; the newline at the end does not count.
    io::stdin().lock().take(MAX_MESSAGE as u64 + 2).read_to_end(&mut bytes)?;
    Ok(Message::of_stream(bytes)?)
}

fn report(context: &CommandContext, run: &Run, sent: Sent) -> CommandResult {
    if context.json {
        return output::json(&SentView::new(run, sent.is_confirmed(), sent == Sent::Confirmed));
    }
    let (pair, err) = (run.pair(), output::stderr(context));
    match sent {
        Sent::Typed => err.note(&format!("{pair}: sent")),
        Sent::Taken => err.note(&format!("{pair}: sent; the agent took the command and tells no more of it")),
        Sent::Confirmed => err.note(&format!("{pair}: arrived")),
        Sent::Rewritten => err.note(&format!(
            "{pair}: arrived, not byte for byte: the agent's editor makes tabs blanks and drops blanks at the end"
        )),
    }
    Ok(ExitCode::SUCCESS)
}
