//! The terminal while the view has it. It is restored when the view is left, suspended or ended, also by a panic.

use std::io::{self, BufWriter, Stdout};
use std::sync::{Mutex, PoisonError};

use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use rustix::termios::Termios;

use crate::os::interrupts::{self, Interrupts};
use crate::os::terminal_mode::{self, FullScreen};

/// The modes to restore if a thread panics.
static MODES_BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    /// `None` while another program has the terminal.
    full: Option<FullScreen>,
    pub(super) suspensions: Interrupts,
}

impl Screen {
    pub(super) fn enter(suspensions: Interrupts) -> io::Result<Self> {
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::new(io::stdout())))?;
        restore_on_panic();
        let mut screen = Self { terminal, full: None, suspensions };
        screen.reenter()?;
        Ok(screen)
    }

    pub(super) fn draw<T: Default>(&mut self, draw: impl FnOnce(&mut Frame<'_>) -> T) -> io::Result<T> {
        let mut result = T::default();
        self.terminal.draw(|frame| result = draw(frame))?;
        Ok(result)
    }

    /// Takes the terminal, and draws everything anew. Also if another program changed its modes meanwhile.
    pub(super) fn reenter(&mut self) -> io::Result<()> {
        if self.full.is_none() {
            let full = FullScreen::enter(true)?;
            *MODES_BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(full.modes_before());
            self.full = Some(full);
        }
        self.terminal.clear()
    }

    /// Gives the terminal back until `other` returns.
    pub(super) fn without<T>(&mut self, other: impl FnOnce(&mut Interrupts) -> io::Result<T>) -> io::Result<T> {
        self.full = None;
        let result = other(&mut self.suspensions);
        self.reenter()?;
        result
    }

    /// Stops this process, as Ctrl-Z does, until the shell continues it.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        self.without(|suspensions| {
            suspensions.take();
            interrupts::stop_this_process()
        })
    }
}

/// Restores the terminal before the message of a panic is printed, and ends the program after it: with a thread
/// missing, the view would show something old as if it were true.
fn restore_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let modes = MODES_BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(modes) = modes {
            terminal_mode::restore(&modes);
        }
        before(panic);
        crate::os::process::exit_after_panic();
    }));
}
