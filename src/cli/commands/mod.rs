//! One file for each command: calls `lifecycle` and prints the result.

mod active;
mod approve;
mod attach;
mod attach_choice;
mod attach_terminal;
mod check;
mod clean;
mod dashboard;
mod diff;
mod doctor;
mod history;
mod history_by;
mod init;
mod logs;
mod logs_all;
mod merge;
mod modes;
mod overrides;
mod plan;
mod prune;
mod pull_request;
mod render;
mod restart;
mod run;
mod run_many;
mod run_one;
mod segment;
mod send;
mod serve;
mod shell;
mod short;
mod status;
mod status_watch;
mod stop;
mod task_file;
mod task_word;
mod tasks;
mod token;
mod ui;
mod up;
mod wait;

use std::process::ExitCode;

use crate::cli::args::{Command, TaskArgs};
use crate::cli::context::CommandContext;
use crate::cli::error::{CliError, CommandResult};
use crate::cli::{complete, output};
use crate::lifecycle::observe::EarlyListing;
use crate::lifecycle::on_node;
use crate::lifecycle::project::{Depth, Project};
use crate::manifest;

pub(crate) use status::early_listing;

/// Runs one command. `early`: the listing of windows that [`early_listing`] started.
pub(crate) fn run_command(
    context: &CommandContext,
    command: Option<Command>,
    early: Option<EarlyListing>,
) -> CommandResult {
    if !reads_only_the_manifest(command.as_ref()) {
        on_node::refuse()?;
    }
    match command {
        None => dashboard::run(context),
        Some(Command::Run(args)) => run::run(context, args),
        Some(Command::Ui) => ui::run(context),
        Some(Command::Status(args)) if args.tmux => segment::run(context, early),
        Some(Command::Status(args)) if args.watch => status_watch::run(context, &args),
        Some(Command::Status(args)) => status::run(context, &args, early),
        Some(Command::Logs(args)) if args.all => logs_all::run(context, &args),
        Some(Command::Logs(args)) => logs::run(context, &args),
        Some(Command::Stop(args)) => stop::run(context, &args),
        Some(Command::Restart(args)) => restart::run(context, &args),
        Some(Command::Wait(args)) => wait::run(context, &args),
        Some(Command::Attach(args)) => attach::run(context, &args),
        Some(Command::Send(args)) => send::run(context, &args),
        Some(Command::Plan(args)) => plan::run(context, &args),
        Some(Command::Up(args)) => up::run(context, &args),
        Some(Command::Down) => up::down(context),
        Some(Command::Approve(args)) => approve::run(context, &args),
        Some(Command::Tasks) => tasks::list(context),
        Some(Command::Task(TaskArgs { action: Some(action), .. })) => task_file::run(context, &action),
        Some(Command::Task(TaskArgs { task, .. })) => tasks::show(context, task.as_deref().unwrap_or_default()),
        Some(Command::Modes) => modes::run(context),
        Some(Command::Render(args)) => render::run(context, args),
        Some(Command::History(args)) => history::run(context, &args),
        Some(Command::Check) => check::run(context),
        Some(Command::Diff(args)) => diff::run(context, &args),
        Some(Command::Shell(args)) => shell::run(context, &args),
        Some(Command::Merge(args)) => merge::run(context, &args),
        Some(Command::Pr(args)) => pull_request::run(context, &args),
        Some(Command::Clean(args)) if args.merged => clean::merged(context, &args),
        Some(Command::Clean(args)) => clean::run(context, &args),
        Some(Command::Prune(args)) => prune::run(context, &args),
        Some(Command::Serve(args)) => serve::run(context, &args),
        Some(Command::Token) => token::run(context),
        Some(Command::Doctor) => doctor::run(context),
        Some(Command::Init) => init::run(context),
        Some(Command::Schema) => output::json(&manifest::schema()),
        Some(Command::Completions(args)) => {
            let script = complete::script(args.shell)?;
            if context.json {
                return output::json(&serde_json::json!({ "script": String::from_utf8_lossy(&script) }));
            }
            output::write(&script)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Short(words)) => short::run(context, words),
    }
}

/// Whether a command touches neither the state folder nor tmux, so that it works on a node of an engine too.
fn reads_only_the_manifest(command: Option<&Command>) -> bool {
    matches!(
        command,
        Some(
            Command::Check
                | Command::Modes
                | Command::Render(_)
                | Command::Init
                | Command::Schema
                | Command::Completions(_)
        )
    )
}

/// Opens the project and prints the manifest's warnings.
fn open(context: &CommandContext, depth: Depth) -> Result<Project, CliError> {
    let project = Project::open(&context.location, depth)?.with_words_typed_in(&context.location.folder);
    if !context.quiet {
        output::stderr(context).problems(&project.problems);
    }
    Ok(project)
}

/// Prints the notices of an observation as warnings.
fn say(context: &CommandContext, notices: &[String]) {
    for notice in notices {
        output::stderr(context).warning(notice);
    }
}

/// A time in the user's time zone.
fn local(at: jiff::Timestamp) -> String {
    at.to_zoned(crate::os::clock::local_zone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
