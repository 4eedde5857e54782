//! Lets the user pick a row of a list on the terminal. The terminal is always restored.

mod keys;
mod list;

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use crate::cli::interrupts::Interrupts;
use crate::cli::picker::list::{List, Pressed};
use crate::os::watch;

pub(crate) use list::Row;

/// The list is redrawn this often, since windows are resized.
const REDRAW: Duration = Duration::from_secs(1);
/// Time for the rest of a key sequence; after it, the byte was the Escape key.
const SEQUENCE: Duration = Duration::from_millis(40);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PickResult {
    /// The row's index.
    Picked(usize),
    /// The user left the list without a choice.
    Left,
    /// The user pressed Ctrl-C.
    Interrupted,
    /// A signal requested the end of this process.
    Ended,
}

/// Lets the user pick one of `rows`, on a terminal that is both stdin and stdout.
pub(crate) fn pick(heads: &[&str], rows: Vec<Row>, colour: bool) -> io::Result<PickResult> {
    let mut ends = Interrupts::of_termination()?;
    let mut list = List::new(rows);
    let stdin = io::stdin();
    let _screen = PickerScreen::enter()?;
    let mut typed = Vec::new();
    loop {
        draw(&list.lines(heads, size(), colour))?;
        let ready = watch::wait_readable(&[stdin.as_fd(), ends.as_fd()], Some(REDRAW))?;
        if ends.take() > 0 {
            return Ok(PickResult::Ended);
        }
        if !ready[0] {
            continue;
        }
        let mut buffer = [0; 256];
        // Not through std, whose buffer would take input that belongs to the next command.
        match rustix::io::read(stdin.as_fd(), &mut buffer) {
            Ok(0) => return Ok(PickResult::Left),
            Ok(count) => typed.extend_from_slice(&buffer[..count]),
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        if keys::is_unfinished(&typed) && watch::wait_readable(&[stdin.as_fd()], Some(SEQUENCE))?[0] {
            continue;
        }
        for key in keys::read(&std::mem::take(&mut typed)) {
            match list.press(key) {
                Pressed::Stay => {}
                Pressed::Picked(row) => return Ok(PickResult::Picked(row)),
                Pressed::Left => return Ok(PickResult::Left),
                Pressed::Interrupted => return Ok(PickResult::Interrupted),
            }
        }
    }
}

fn size() -> (usize, usize) {
    let size = tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    size.map_or((80, 24), |size| (usize::from(size.ws_col), usize::from(size.ws_row)))
}

fn draw(lines: &[String]) -> io::Result<()> {
    let mut out = String::from("\x1b[H");
    for (number, line) in lines.iter().enumerate() {
        if number > 0 {
            out.push_str("\r\n");
        }
        out.push_str(line);
        out.push_str("\x1b[K");
    }
    out.push_str("\x1b[J");
    let mut stdout = io::stdout().lock();
    stdout.write_all(out.as_bytes())?;
    stdout.flush()
}

/// The terminal's alternate screen in raw mode. Dropping it restores the terminal.
struct PickerScreen {
    before: Termios,
}

impl PickerScreen {
    fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
        let screen = Self { before };
        let mut stdout = io::stdout().lock();
        stdout.write_all(b"\x1b[?1049h\x1b[?25l")?;
        stdout.flush()?;
        Ok(screen)
    }
}

impl Drop for PickerScreen {
    fn drop(&mut self) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(b"\x1b[?25h\x1b[?1049l").and_then(|()| stdout.flush());
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}
