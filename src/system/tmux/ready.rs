//! A client that has reached its server and waits for its commands on standard input.
//!
//! Starting a client takes longer than all the server does for it. So a command that is about to
//! make windows starts one early, writes its records meanwhile, and then only has to speak. It
//! carries any number of windows: a command line holds 16 KiB, this has no such limit.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use crate::system::tmux::Tmux;
use crate::system::tmux::client::{Reply, Running};
use crate::system::tmux::error::TmuxError;

/// See the module. Dropped unused: it ends, and the server never heard of anything.
#[derive(Debug)]
pub struct Ready {
    client: Running,
}

impl Tmux {
    /// `None` where no server is there to wait for anything, or none can be asked: creating a
    /// window then finds out what to do about it.
    pub fn ready(&self) -> Option<Ready> {
        if !self.socket.exists() {
            return None;
        }
        let client = self.start(None, &["source-file", "-"], Stdio::piped()).ok()?;
        Some(Ready { client })
    }
}

impl Ready {
    /// Has each of `lines` done. One that fails ends there, and the next one begins.
    pub(super) fn say(self, lines: &[String]) -> Result<Reply, TmuxError> {
        let mut text = lines.join("\n");
        text.push('\n');
        self.client.finish(text.as_bytes())
    }
}

/// `args` as one line for the server's own parser. `None` where a word cannot be carried so.
pub(super) fn line(args: &[OsString]) -> Option<String> {
    let mut line = String::new();
    for arg in args {
        let text = std::str::from_utf8(arg.as_bytes()).ok().filter(|text| !text.contains(char::is_control))?;
        if !line.is_empty() {
            line.push(' ');
        }
        match text {
            ";" => line.push(';'),
            text => line.push_str(&super::quote::word(text)),
        }
    }
    Some(line)
}
