//! A terminal on a run's window, for a front end that has no terminal itself.
//!
//! It looks through a tmux session of its own, which ends with it and moves nobody. One that only
//! looks cannot type: neither here nor, should that fail, in tmux.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use crate::model::run::Run;
use crate::runner::ledger::Ledger;
use crate::runner::window::WindowError;
use crate::system::process::supervise;
use crate::system::pty::{Pty, Size};
use crate::system::tmux::{self, View};

/// What a terminal may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Look. Its size is the window's, which it never changes.
    Read,
    /// Look, type and resize.
    Write,
}

/// Why no terminal was opened.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error("no terminal can be had")]
    Io(#[from] io::Error),
}

/// See the module. Its descriptor is readable when there is something to show, or the end.
#[derive(Debug)]
pub struct Terminal {
    pty: Pty,
    access: Access,
    size: Size,
}

impl Ledger {
    /// Opens a terminal of `size` (columns, rows); where it only looks, of the window's size.
    pub fn open_terminal(&self, run: &Run, access: Access, size: (u16, u16)) -> Result<Terminal, TerminalError> {
        self.open_terminal_by(&supervise::own_program()?, run, access, size)
    }

    /// By this `dispatch`, where the process that asks is none.
    pub fn open_terminal_by(
        &self,
        program: &Path,
        run: &Run,
        access: Access,
        size: (u16, u16),
    ) -> Result<Terminal, TerminalError> {
        let window = self.window_of(run)?;
        let (view, size) = match access {
            Access::Read => (View::Read, window.size()),
            Access::Write => (View::Write, Size::clamped(size.0, size.1)),
        };
        let argv: Vec<OsString> = window.tmux.view_argv(&window.place, run.id(), view);
        let pty = Pty::open(program, &argv, &tmux::client_environment(), size)?;
        Ok(Terminal { pty, access, size })
    }
}

impl Terminal {
    /// What it shows: `WouldBlock` where there is nothing yet, 0 at the end.
    pub fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.pty.read(into)
    }

    /// Types as much as there is room for: `WouldBlock` where there is none, `PermissionDenied`
    /// where it only looks.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.access {
            Access::Read => Err(io::ErrorKind::PermissionDenied.into()),
            Access::Write => self.pty.write(bytes),
        }
    }

    /// Any numbers: nonsense is brought to the nearest sense. `PermissionDenied` as for `write`.
    pub fn resize(&mut self, cols: u16, rows: u16) -> io::Result<()> {
        if self.access == Access::Read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.size = Size::clamped(cols, rows);
        self.pty.resize(self.size)
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        (self.size.cols(), self.size.rows())
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pty.as_fd()
    }
}
