//! Lets the user pick a row of a list, as the only content of the terminal.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use crate::os::interrupts::Interrupts;
use crate::os::terminal_mode;
use crate::os::watch::wait_readable;
use crate::tui::SEQUENCE;
use crate::tui::draw::{Abilities, draw_picker};
use crate::tui::keys;
use crate::tui::picker::{Picker, Pressed};
use crate::tui::screen::Screen;

/// The list is drawn again this often, since windows are resized.
const REDRAW: Duration = Duration::from_secs(1);

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
pub(crate) fn pick(heads: Vec<&'static str>, rows: Vec<Vec<String>>, abilities: Abilities) -> io::Result<PickResult> {
    let mut ends = Interrupts::of_termination()?;
    let mut picker = Picker::new(String::new(), heads, rows);
    let mut screen = Screen::enter(Interrupts::of_suspension()?)?;
    let stdin = io::stdin();
    let mut typed = Vec::new();
    loop {
        screen.draw(|frame| draw_picker(frame, &picker, abilities))?;
        let ready = wait_readable(&[stdin.as_fd(), ends.as_fd(), screen.suspensions.as_fd()], Some(REDRAW))?;
        if ends.take() > 0 {
            return Ok(PickResult::Ended);
        }
        if ready[2] {
            screen.suspend()?;
        }
        if !ready[0] {
            continue;
        }
        match terminal_mode::read_typed()? {
            Some(bytes) => typed.extend(bytes),
            None => return Ok(PickResult::Left),
        }
        if keys::is_unfinished(&typed) && wait_readable(&[stdin.as_fd()], Some(SEQUENCE))?[0] {
            continue;
        }
        for key in keys::read(&std::mem::take(&mut typed)) {
            match picker.press(&key) {
                Pressed::Stay => {}
                Pressed::Picked(row) => return Ok(PickResult::Picked(row)),
                Pressed::Left => return Ok(PickResult::Left),
                Pressed::Interrupted => return Ok(PickResult::Interrupted),
            }
        }
    }
}
