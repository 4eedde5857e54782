//! One file per command: read what was meant, ask `runner`, print the answer.

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
mod init;
mod logs;
mod logs_all;
mod modes;
mod plan;
mod prune;
mod render;
mod run;
mod run_many;
mod segment;
mod send;
mod serve;
mod short;
mod status;
mod stop;
mod tasks;
mod token;
mod up;
mod wait;

use std::process::ExitCode;

use crate::cli::args::Command;
use crate::cli::complete;
use crate::cli::error::CliError;
use crate::cli::meant::Meant;
use crate::cli::output;
use crate::manifest;
use crate::runner::project::{Depth, Project};

/// What every command ends with.
type Answer = Result<ExitCode, CliError>;

/// Runs one command.
pub(crate) fn answer(meant: &Meant, command: Option<Command>) -> Answer {
    match command {
        None => dashboard::run(meant),
        Some(Command::Run(args)) => run::run(meant, args),
        Some(Command::Status(args)) if args.tmux => segment::run(meant),
        Some(Command::Status(args)) => status::run(meant, &args),
        Some(Command::Logs(args)) if args.all => logs_all::run(meant, &args),
        Some(Command::Logs(args)) => logs::run(meant, &args),
        Some(Command::Stop(args)) => stop::run(meant, &args),
        Some(Command::Wait(args)) => wait::run(meant, &args),
        Some(Command::Attach(args)) => attach::run(meant, &args),
        Some(Command::Send(args)) => send::run(meant, &args),
        Some(Command::Plan(args)) => plan::run(meant, &args),
        Some(Command::Up(args)) => up::run(meant, &args),
        Some(Command::Down) => up::down(meant),
        Some(Command::Approve(args)) => approve::run(meant, &args),
        Some(Command::Tasks) => tasks::list(meant),
        Some(Command::Task(args)) => tasks::show(meant, &args),
        Some(Command::Modes) => modes::run(meant),
        Some(Command::Render(args)) => render::run(meant, args),
        Some(Command::History(args)) => history::run(meant, &args),
        Some(Command::Check) => check::run(meant),
        Some(Command::Diff(args)) => diff::run(meant, &args),
        Some(Command::Clean(args)) => clean::run(meant, &args),
        Some(Command::Prune(args)) => prune::run(meant, &args),
        Some(Command::Serve(args)) => serve::run(meant, &args),
        Some(Command::Token) => token::run(meant),
        Some(Command::Doctor) => doctor::run(meant),
        Some(Command::Init) => init::run(meant),
        Some(Command::Schema) => output::json(&manifest::schema()).map(|()| ExitCode::SUCCESS),
        Some(Command::Completions(args)) => {
            output::write(&complete::script(args.shell)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Short(words)) => short::run(meant, words),
    }
}

/// The project of this call, with the manifest's warnings said.
fn open(meant: &Meant, depth: Depth) -> Result<Project, CliError> {
    let project = Project::open(&meant.whence, depth)?.with_words_typed_in(&meant.whence.folder);
    if !meant.quiet {
        output::stderr(meant).problems(&project.problems);
    }
    Ok(project)
}

/// Says what looking at the records brought up.
fn say(meant: &Meant, notices: &[String]) {
    for notice in notices {
        output::stderr(meant).warning(notice);
    }
}

/// `1m 05s`: two units, for people.
fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("0.{}s", ms / 100),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A moment in the user's own time zone.
fn local(at: jiff::Timestamp) -> String {
    at.to_zoned(crate::system::clock::local_zone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_keep_two_units() {
        for (ms, text) in
            [(0, "0.0s"), (450, "0.4s"), (65_000, "1m 05s"), (3_700_000, "1h 01m"), (90_000_000, "1d 01h")]
        {
            assert_eq!(duration(ms), text);
        }
    }
}
