//! The command line: arguments as typed → arguments as meant → `runner` → printed answers.
//!
//! Decides only what a second front end would not have to repeat: words, colours, exit codes.

mod args;
mod commands;
mod complete;
mod console;
mod control_echo;
mod early;
mod error;
mod frames;
mod hidden;
mod interrupts;
mod meant;
mod output;
mod picker;
mod progress;
mod retry_words;
mod table;
mod trouble;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::args::{Cli, Command};
use crate::cli::meant::Meant;
use crate::system::process;

/// Runs the program. The only place that turns an outcome into an exit code.
pub fn main() -> ExitCode {
    process::seal_descriptors();
    // What runs before every agent, or is asked for most often, does not wait for the parser.
    if let Some(code) = hidden::run() {
        return code;
    }
    if complete::answer() {
        return ExitCode::SUCCESS;
    }
    // tmux is slower than reading our own arguments.
    let early = early::ask();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut cli = cli;
    if let Some(Command::Logs(logs)) = &mut cli.command {
        cli.global.file = logs.manifest.take().or(cli.global.file);
    }
    let meant = Meant::new(cli.global, early);
    match commands::answer(&meant, cli.command) {
        Ok(code) => code,
        Err(error) => error.report(&meant),
    }
}
