//! The modes of this process's own terminal: raw input on the alternate screen, and back.

use std::io::{self, Write as _};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Alternate screen, no cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// Paste in brackets, mouse clicks and wheel with coordinates as numbers.
const ENTER_POINTER: &str = "\x1b[?2004h\x1b[?1000h\x1b[?1006h";
/// Undoes both.
const LEAVE: &str = "\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[?25h\x1b[?1049l\x1b[0m";

/// The alternate screen in raw mode. Dropping it restores the terminal.
#[derive(Debug)]
pub struct FullScreen {
    before: Termios,
}

impl FullScreen {
    /// `pointer`: with the mouse, and with pasted text in brackets. Fails if stdin or stdout is no terminal.
    pub fn enter(pointer: bool) -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
        let screen = Self { before };
        write(ENTER)?;
        if pointer {
            write(ENTER_POINTER)?;
        }
        Ok(screen)
    }

    /// The modes before, for [`restore`] where this value is out of reach.
    pub fn modes_before(&self) -> Termios {
        self.before.clone()
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        restore(&self.before);
    }
}

/// Leaves the alternate screen. Errors are ignored: there may be no terminal any more.
pub fn restore(before: &Termios) {
    let _ = write(LEAVE);
    let _ = tcsetattr(io::stdin(), OptionalActions::Flush, before);
}

/// Erases the screen.
pub fn erase() -> io::Result<()> {
    write("\x1b[2J")
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Columns and rows; 80×24 if the terminal does not tell.
pub fn size() -> (u16, u16) {
    let size = tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    size.map_or((80, 24), |size| (size.ws_col, size.ws_row))
}

/// What was typed since the last call, at most 4 KiB; `None` at the end of input. Call it when stdin is readable.
pub fn read_typed() -> io::Result<Option<Vec<u8>>> {
    let mut buffer = [0; 4096];
    // Not through std, whose buffer would take input that belongs to the next program.
    match rustix::io::read(io::stdin(), &mut buffer) {
        Ok(0) => Ok(None),
        Ok(count) => Ok(Some(buffer[..count].to_vec())),
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(Some(Vec::new())),
        Err(error) => Err(error.into()),
    }
}
