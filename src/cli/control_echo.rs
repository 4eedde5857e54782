//! Keeps the terminal from printing `^C` into progress lines: the echo would move the cursor and leave a line behind.

use std::io;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// Until it is dropped, the terminal does not echo control characters.
#[derive(Debug)]
pub(crate) struct ControlEchoOff(Termios);

impl ControlEchoOff {
    /// `None`: stdin is no terminal in the foreground, or does not echo them anyway.
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

/// Whether this process is in the foreground: a background process would be stopped when it changes the terminal.
fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}
