//! The full-screen view at the terminal: the runs, what each does, and what can be done with it.
//!
//! One thread owns the terminal. It waits for keys, signals and the messages of other threads, lets
//! `ui_state::UiState` decide what they change, draws, and carries out the effects. Reading runs, logs and windows, and
//! acting on them, happens in other threads: no key waits for tmux or a disk.

mod act;
mod choices;
mod draw;
mod foreground;
mod keys;
mod line_input;
mod list;
mod message;
mod observer;
mod on_key;
mod on_message;
mod on_popup_key;
mod pick;
mod picker;
mod popup;
mod preview;
mod screen;
mod ui_state;

use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use crate::os::clock;
use crate::os::event_fd::EventFd;
use crate::os::interrupts::Interrupts;
use crate::os::terminal_mode;
use crate::os::watch::wait_readable;
use crate::snapshot::Live;
use crate::tui::act::Actor;
use crate::tui::foreground::Foreground;
use crate::tui::message::{Message, MessageSender};
use crate::tui::preview::Previewer;
use crate::tui::screen::Screen;
use crate::tui::ui_state::{Effect, UiState};
use crate::worker::WorkerPool;

pub(crate) use draw::Abilities;
pub(crate) use pick::{PickResult, pick};

/// The ages of runs are drawn again this often.
const TICK: Duration = Duration::from_secs(1);
/// Time for the rest of a key sequence; after it, the byte was the Escape key.
const SEQUENCE: Duration = Duration::from_millis(40);

/// The parts that the caller of [`run`] provides.
pub(crate) struct TuiParts {
    pub(crate) live: Arc<Live>,
    pub(crate) workers: Arc<WorkerPool>,
    /// The project's folder, in which programs are started.
    pub(crate) root: PathBuf,
    /// The manifest, for commands that are started.
    pub(crate) manifest: PathBuf,
    pub(crate) abilities: Abilities,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TuiEnd {
    /// The person left.
    Left,
    /// A signal ended it, or the terminal is gone.
    Ended,
}

/// Shows the view until the person leaves it. Fails if the terminal cannot be used or a thread cannot be started.
pub(crate) fn run(parts: TuiParts) -> io::Result<TuiEnd> {
    let waker = EventFd::new()?;
    let (sender, messages) = channel();
    let sender = MessageSender { sender, waker: waker.clone() };
    let (live, workers) = (Arc::clone(&parts.live), Arc::clone(&parts.workers));
    observer::start(Arc::clone(&live), Arc::clone(&workers), sender.clone())?;
    let previewer = Previewer::start(Arc::clone(&live), Arc::clone(&workers), sender.clone())?;
    let mut tui = Tui {
        state: UiState::default(),
        actor: Actor { live, workers, sender },
        previewer,
        ends: Interrupts::of_end()?,
        interrupts: Interrupts::new()?,
        redraws: Interrupts::of_redraw()?,
        screen: Screen::enter(Interrupts::of_suspension()?)?,
        messages,
        waker,
        parts,
        typed: Vec::new(),
    };
    tui.run()
}

struct Tui {
    state: UiState,
    actor: Actor,
    previewer: Previewer,
    ends: Interrupts,
    /// SIGINT.
    interrupts: Interrupts,
    redraws: Interrupts,
    screen: Screen,
    messages: Receiver<Message>,
    waker: EventFd,
    parts: TuiParts,
    /// Bytes of an incomplete key.
    typed: Vec<u8>,
}

impl Tui {
    fn run(&mut self) -> io::Result<TuiEnd> {
        loop {
            self.draw()?;
            let stdin = io::stdin();
            let fds = [
                stdin.as_fd(),
                self.waker.as_fd(),
                self.ends.as_fd(),
                self.redraws.as_fd(),
                self.screen.suspensions.as_fd(),
                self.interrupts.as_fd(),
            ];
            let ready = wait_readable(&fds, Some(TICK))?;
            let mut effects = Vec::new();
            if ready[2] && self.ends.take() > 0 || ready[5] && self.interrupts.take() > 0 {
                return Ok(TuiEnd::Ended);
            }
            if ready[3] && self.redraws.take() > 0 {
                self.screen.reenter()?;
            }
            if ready[4] {
                effects.push(Effect::Suspend);
            }
            if ready[1] {
                self.waker.clear();
                effects.extend(self.take_messages());
            }
            if ready[0] {
                match self.take_keys()? {
                    Some(more) => effects.extend(more),
                    None => return Ok(TuiEnd::Ended),
                }
            }
            for effect in effects {
                if self.carry_out(effect)? {
                    return Ok(TuiEnd::Left);
                }
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let (state, abilities, now) = (&self.state, self.parts.abilities, clock::now());
        let (areas, top) = self.screen.draw(|frame| draw::draw(frame, state, abilities, now))?;
        self.state.list.top = top;
        self.state.areas = areas;
        Ok(())
    }

    fn take_messages(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        loop {
            match self.messages.try_recv() {
                Ok(message) => effects.extend(self.state.on_message(message)),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return effects,
            }
        }
    }

    /// `None` at the end of input.
    fn take_keys(&mut self) -> io::Result<Option<Vec<Effect>>> {
        let stdin = io::stdin();
        loop {
            match terminal_mode::read_typed()? {
                Some(bytes) => self.typed.extend(bytes),
                None => return Ok(None),
            }
            if !keys::is_unfinished(&self.typed) || !wait_readable(&[stdin.as_fd()], Some(SEQUENCE))?[0] {
                break;
            }
        }
        let keys = keys::read(&std::mem::take(&mut self.typed));
        Ok(Some(keys.iter().flat_map(|key| self.state.on_key(key)).collect()))
    }

    /// Returns whether the person leaves.
    fn carry_out(&mut self, effect: Effect) -> io::Result<bool> {
        match effect {
            Effect::Quit => return Ok(true),
            Effect::Suspend => self.screen.suspend()?,
            Effect::Act(act) => self.actor.begin(act),
            Effect::Preview(request) => self.previewer.show(*request),
            Effect::OpenPages => foreground::open_pages(&self.actor),
            Effect::Attach(run) => {
                let folder = self.parts.root.clone();
                let end = foreground::attach(&mut self.screen, self.actor.live.store(), &run, &folder);
                return Ok(self.came_back(end));
            }
            Effect::Page(run) => {
                let (manifest, folder) = (self.parts.manifest.clone(), self.parts.root.clone());
                let end = foreground::page(&mut self.screen, &manifest, &run, &folder);
                return Ok(self.came_back(end));
            }
            Effect::Edit(text) => match foreground::edit(&mut self.screen, &text, &self.parts.root) {
                Ok(text) => self.state.edited(text),
                Err(error) => self.state.complain(error.to_string()),
            },
        }
        Ok(false)
    }

    /// After a program had the terminal. Returns whether the view ends.
    fn came_back(&mut self, end: io::Result<Foreground>) -> bool {
        // Ctrl-C was meant for the program.
        self.interrupts.take();
        match end {
            Ok(Foreground::Back) => {}
            Ok(Foreground::Elsewhere) => return true,
            Err(error) => self.state.complain(error.to_string()),
        }
        false
    }
}
