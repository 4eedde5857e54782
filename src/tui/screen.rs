//! The terminal while the view has it. It is restored when the view is left, suspended or ended, also by a panic.

use std::io::{self, BufWriter, Stdout};
use std::sync::{Mutex, PoisonError};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use rustix::termios::Termios;

use crate::os::interrupts::{self, Interrupts};
use crate::os::terminal_mode::{self, FullScreen};

/// The modes to restore if a thread panics.
static MODES_BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

type Backend = CrosstermBackend<BufWriter<Stdout>>;

pub(super) struct Screen {
    terminal: Terminal<Backend>,
    /// Columns and rows of `terminal`.
    size: (u16, u16),
    /// `None` while another program has the terminal.
    full: Option<FullScreen>,
    pub(super) suspensions: Interrupts,
}

impl Screen {
    pub(super) fn enter(suspensions: Interrupts) -> io::Result<Self> {
        let size = terminal_mode::size();
        restore_on_panic();
        let mut screen = Self { terminal: terminal(size)?, size, full: None, suspensions };
        screen.reenter()?;
        Ok(screen)
    }

    pub(super) fn draw<T: Default>(&mut self, draw: impl FnOnce(&mut Frame<'_>) -> T) -> io::Result<T> {
        if terminal_mode::size() != self.size {
            self.begin_anew()?;
        }
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
        self.begin_anew()
    }

    /// The next frame is drawn as a whole.
    fn begin_anew(&mut self) -> io::Result<()> {
        self.size = terminal_mode::size();
        self.terminal = terminal(self.size)?;
        terminal_mode::erase()
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
        if !interrupts::has_job_control()? {
            self.suspensions.take();
            return Ok(());
        }
        self.without(|suspensions| {
            interrupts::stop_process_group()?;
            interrupts::stop_this_process()?;
            suspensions.take();
            Ok(())
        })
    }
}

/// Of a fixed size: where ratatui follows the size itself, it asks the terminal for the cursor and waits for the
/// answer, and what is typed meanwhile is lost.
fn terminal((columns, rows): (u16, u16)) -> io::Result<Terminal<Backend>> {
    let backend = CrosstermBackend::new(BufWriter::new(io::stdout()));
    let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
    Terminal::with_options(backend, TerminalOptions { viewport })
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    /// Set where the test runs itself at a terminal, to panic there.
    const PANICS: &str = "DISPATCH_TEST_PANICS";

    #[test]
    fn a_panic_in_any_thread_restores_the_terminal_before_its_message_and_ends_the_program() {
        if std::env::var_os(PANICS).is_some() {
            let _screen = Screen::enter(Interrupts::of_suspension().unwrap()).unwrap();
            let ended = std::thread::spawn(|| panic!("a mistake in a thread")).join();
            // Not reached.
            println!("{ended:?}");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let (before, after) = (folder.path().join("before"), folder.path().join("after"));
        let program = std::env::current_exe().unwrap();
        let name =
            "tui::screen::tests::a_panic_in_any_thread_restores_the_terminal_before_its_message_and_ends_the_program";
        let line = format!(
            "stty -g >{}; {} --exact --nocapture {name}; code=$?; stty -g >{}; exit $code",
            before.display(),
            program.display(),
            after.display()
        );
        let ended = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .env(PANICS, "1")
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let written = String::from_utf8_lossy(&ended.stdout);
        let at = |text: &str| written.rfind(text).unwrap_or_else(|| panic!("no {text:?} in {written:?}"));
        assert!(at("\u{1b}[?1049h") < at("\u{1b}[?1049l"), "{written:?}");
        assert!(at("\u{1b}[?1049l") < at("a mistake in a thread"), "{written:?}");
        assert_eq!(ended.status.code(), Some(101), "{written:?}");
        assert_eq!(fs::read(before).unwrap(), fs::read(after).unwrap());
    }
}
