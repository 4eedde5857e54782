//! A list on the terminal to pick one from. Whatever happens, the terminal is left as it was.

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

/// The rows are made anew this often: ages grow, and windows are resized.
const REDRAW: Duration = Duration::from_secs(1);
/// The rest of a key's sequence is there by then, or it was Escape.
const SEQUENCE: Duration = Duration::from_millis(40);

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PickResult {
    /// The row's place.
    Picked(usize),
    /// Left without a choice.
    Left,
    /// By Ctrl-C.
    Interrupted,
    /// Something else asked this process to end.
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
        // Not by std: it would keep for itself what belongs to the command that comes next.
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

/// The terminal's second screen, with each key told at once. As it was when dropped.
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
