//! A client that is connected to its server and waits for commands on standard input.
//!
//! Starting a client takes longer than all that the server does for it. So a command that will create windows starts a
//! client early, writes its records meanwhile, and then only sends the commands. A command line holds 16 KiB; standard
//! input has no such limit.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use crate::os::tmux::Tmux;
use crate::os::tmux::client::{RunningClient, TmuxReply};
use crate::os::tmux::error::TmuxError;

/// Dropped unused, it exits and has sent nothing to the server.
#[derive(Debug)]
pub struct WarmClient(RunningClient);

impl Tmux {
    /// `None` if no server can be reached: [`Tmux::create_window`] handles that.
    pub fn warm_client(&self) -> Option<WarmClient> {
        if !self.socket.exists() {
            return None;
        }
        self.start_client(None, &["source-file", "-"], Stdio::piped()).ok().map(WarmClient)
    }
}

impl WarmClient {
    /// Runs each of `lines`. After one that fails, the next one is run.
    pub(super) fn run_lines(self, lines: &[String]) -> Result<TmuxReply, TmuxError> {
        let mut text = lines.join("\n");
        text.push('\n');
        self.0.finish(text.as_bytes())
    }
}

/// `args` as one line for the server's parser; `None` if a word cannot be part of a line.
pub(super) fn line(args: &[OsString]) -> Option<String> {
    let quoted = args.iter().map(|arg| {
        let text = std::str::from_utf8(arg.as_bytes()).ok().filter(|text| !text.contains(char::is_control))?;
        Some(if text == ";" { text.to_owned() } else { super::quote::word(text) })
    });
    Some(quoted.collect::<Option<Vec<_>>>()?.join(" "))
}
