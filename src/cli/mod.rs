//! The command line: arguments → context → `lifecycle` → printed results and exit code.
//!
//! Must not decide what the server would have to repeat; only texts, colours and exit codes.

mod args;
mod commands;
mod complete;
mod console;
mod context;
mod control_echo;
mod error;
mod frames;
mod hidden;
mod log_lines;
mod output;
mod progress;
mod retry_words;
mod stuck_warning;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::args::{Cli, Command};
use crate::cli::context::CommandContext;
use crate::cli::error::CliError;
use crate::lifecycle::on_node;
use crate::os::process;

/// Runs the program.
pub fn main() -> ExitCode {
    process::seal_descriptors();
    // Hidden commands start every agent: they do not wait for the parser.
    if let Some(code) = hidden::run() {
        return code;
    }
    if complete::answer() {
        return ExitCode::SUCCESS;
    }
    // A node has no windows to list.
    let early = on_node::refuse().is_ok().then(|| commands::early_listing(std::env::args_os().skip(1))).flatten();
    let mut cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let code = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            if error.use_stderr() && wants_json() {
                let document = serde_json::json!({ "error": CliError::from(error).view() });
                let _ = output::json_line(&document).and_then(|line| output::write(line.as_bytes()));
            }
            return code;
        }
    };
    if let Some(Command::Logs(logs)) = &mut cli.command {
        cli.global.file = logs.manifest.take().or(cli.global.file);
    }
    let context = CommandContext::new(cli.global);
    match commands::run_command(&context, cli.command, early) {
        Ok(code) => code,
        Err(error) => error.report(&context),
    }
}

/// Whether `--json` was typed, for arguments that could not be parsed.
fn wants_json() -> bool {
    std::env::args_os().skip(1).take_while(|word| word != "--").any(|word| word == "--json")
}
