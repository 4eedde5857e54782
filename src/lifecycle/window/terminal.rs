//! A pseudo-terminal that shows a run's window, for a client without a terminal.
//!
//! Attaches through its own tmux session, which ends with it and does not move other clients. Both this module and
//! tmux enforce read access.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use crate::lifecycle::window::{self, WindowError};
use crate::model::run::Run;
use crate::os::process::supervise;
use crate::os::pty::{Pty, Size};
use crate::os::tmux::{self, Tmux, TmuxError};

/// Scrollback limits: lines, and bytes counted from the end.
const HISTORY_LINES: u32 = 10_000;
const HISTORY_BYTES: usize = 1 << 20;

pub use crate::os::tmux::Access;

#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error("no terminal can be had")]
    Io(#[from] io::Error),
}

/// The descriptor is readable if there is output or the end is reached.
#[derive(Debug)]
pub struct WindowTerminal {
    tmux: Tmux,
    pty: Pty,
    access: Access,
    pub(super) size: Size,
}

/// Opens a terminal of `size` (columns, rows); with read access, of the window's size. Fails if the run has no window.
pub fn open_terminal(run: &Run, access: Access, size: (u16, u16)) -> Result<WindowTerminal, TerminalError> {
    open_terminal_by(&supervise::own_program()?, run, access, size)
}

/// [`open_terminal`] with the `dispatch` executable at `program`, for callers that are another program.
pub fn open_terminal_by(
    program: &Path,
    run: &Run,
    access: Access,
    size: (u16, u16),
) -> Result<WindowTerminal, TerminalError> {
    let window = window::window_of(run)?;
    let size = match access {
        Access::Read => window.size(),
        Access::Write => Size::clamped(size.0, size.1),
    };
    let argv: Vec<OsString> = window.tmux.view_argv(&window.place, run.id(), access);
    let pty = Pty::open(program, &argv, &tmux::client_environment(), size)?;
    Ok(WindowTerminal { tmux: window.tmux, pty, access, size })
}

impl WindowTerminal {
    /// Reads output: `WouldBlock` if there is none yet, 0 at the end.
    pub fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.pty.read(into)
    }

    /// Types as many bytes as fit: `WouldBlock` if none do, `PermissionDenied` with read access.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.access {
            Access::Read => Err(io::ErrorKind::PermissionDenied.into()),
            Access::Write => self.pty.write(bytes),
        }
    }

    /// Clamps sizes that are out of range. `PermissionDenied` with read access.
    pub fn resize(&mut self, cols: u16, rows: u16) -> io::Result<()> {
        if self.access == Access::Read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.size = Size::clamped(cols, rows);
        self.pty.resize(self.size)
    }

    /// The screen of the shown pane and up to `lines` lines above it, newest last, colours as escape sequences.
    /// Empty if the pane is gone.
    pub fn history(&self, lines: u32) -> Result<String, TmuxError> {
        let text = self.tmux.history_shown_by(self.pty.pid(), lines.min(HISTORY_LINES))?.unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(last_lines(text, HISTORY_BYTES))
    }
}

impl AsFd for WindowTerminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pty.as_fd()
    }
}

/// The last whole lines of `text` in at most `most` bytes, without the final line feed.
fn last_lines(mut text: String, most: usize) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    if text.len() <= most {
        return text;
    }
    // One byte earlier: a line that starts exactly at the limit is preceded by its line feed.
    let from = text.len() - most - 1;
    let from = text.as_bytes()[from..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| from + at + 1);
    text.split_off(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_keeps_its_last_whole_lines() {
        let of = |text: &str, most| last_lines(text.to_owned(), most);
        assert_eq!(of("a\nb\n", 10), "a\nb");
        assert_eq!(of("a\n\n", 10), "a\n");
        assert_eq!(of("one\ntwo\nthree\n", 8), "three");
        assert_eq!(of("one\ntwo\nthree\n", 9), "two\nthree");
        assert_eq!(of("\u{1f7e2}\u{1f7e2}\nend", 5), "end");
        assert_eq!(of("one line that is too long", 4), "");
    }
}
