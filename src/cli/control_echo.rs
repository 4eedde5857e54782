//! Keeps the terminal from printing `^C` into lines that are redrawn in place: the cursor stands at
//! the end of the last line, so that the echo would move it on and a line would be left behind.

use std::io;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// The terminal does not print control characters while this lives.
#[derive(Debug)]
pub(crate) struct ControlEchoOff(Termios);

impl ControlEchoOff {
    /// `None` where standard input is no terminal, or does not print them anyway.
    pub(crate) fn new() -> Option<Self> {
        if !is_foreground() {
            return None;
        }
        let before = tcgetattr(io::stdin()).ok()?;
        if !before.local_modes.contains(LocalModes::ECHOCTL) {
            return None;
        }
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHOCTL);
        tcsetattr(io::stdin(), OptionalActions::Now, &quiet).ok()?;
        Some(Self(before))
    }
}

impl Drop for ControlEchoOff {
    fn drop(&mut self) {
        if is_foreground() {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        }
    }
}

/// A process in the background would be stopped by a change of its terminal.
fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}
