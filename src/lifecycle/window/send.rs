//! Sends text to the window of an interactive run, as if typed, followed by Enter.

use std::time::Duration;
use std::{io, thread};

use crate::agents::{self, Arrival, Delivered};
use crate::lifecycle::store::Store;
use crate::lifecycle::window::{self, Window, WindowError, confirmed_send};
use crate::model::message::Message;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::os::tmux::{Brackets, TmuxError, Typed};
use crate::store::index::IndexError;

/// Some programs process a paste later than the keys that follow it.
const AFTER_THE_PASTE: Duration = Duration::from_millis(100);

/// How certain the arrival of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Typed and entered; the agent does not report what it read.
    Typed,
    /// A command of the agent itself, taken from its input line.
    Taken,
    /// The agent's transcript contains the text, byte for byte.
    Confirmed,
    /// The transcript contains the text as the agent rewrites typed text.
    Rewritten,
}

/// Why a text was not sent, or why it is unknown whether it was.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error("cannot type into the window")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("nothing was typed: input to the pane of `{pair}` is off")]
    InputOff { pair: Pair, enable: String },
    #[error("the text for `{pair}` is empty")]
    Blank { pair: Pair },
    #[error("{}", words(.pair, .came))]
    NotSent { pair: Pair, came: Delivered },
}

impl From<TmuxError> for SendError {
    fn from(error: TmuxError) -> Self {
        Self::Window(error.into())
    }
}

fn words(pair: &Pair, came: &Delivered) -> String {
    match came {
        Delivered::Asks(what) => format!("nothing was typed: `{pair}` waits for a decision: {what}"),
        Delivered::Draft => format!("nothing was typed: something stands in the input line of `{pair}` already"),
        Delivered::NoInput => {
            format!("nothing was typed: the input line of `{pair}` cannot be seen, as while a dialog is open")
        }
        Delivered::NotUp => format!("nothing was typed: the agent of `{pair}` did not come up"),
        Delivered::Unentered => format!("the text was pasted into `{pair}` and could not be entered"),
        Delivered::Arrived(Arrival::Mixed) => {
            format!("the text arrived in `{pair}` together with what stood in its input line")
        }
        Delivered::Unconfirmed | Delivered::Arrived(_) | Delivered::Taken => {
            format!("the text was typed into `{pair}` and entered, but its transcript does not show it")
        }
    }
}

/// Types `message` and Enter once the agent can take it. Concurrent sends arrive one after the other. Some agents
/// confirm by their transcript; of others it is known only that the text was typed. Fails if the text was not sent or
/// its arrival is unknown.
pub fn send(store: &Store, run: &Run, message: &Message) -> Result<Sent, SendError> {
    let window = window::window_of(run)?;
    let _turn = store.folder(run.id()).lock_typing()?;
    let Some(protocol) = agents::of(run.facts.protocol).window() else { return type_text(&window, run, message) };
    let pair = run.pair();
    if message.as_str().trim().is_empty() {
        return Err(SendError::Blank { pair });
    }
    match confirmed_send::deliver(store, protocol, &window, run, message)? {
        Delivered::Arrived(Arrival::Exact) => Ok(Sent::Confirmed),
        Delivered::Arrived(Arrival::Rewritten) => Ok(Sent::Rewritten),
        Delivered::Taken => Ok(Sent::Taken),
        came => Err(SendError::NotSent { pair, came }),
    }
}

/// Uses bracketed paste if the program enabled it, so that several lines stay one text.
fn type_text(window: &Window, run: &Run, message: &Message) -> Result<Sent, SendError> {
    let (tmux, pane) = (&window.tmux, &window.place.pane_id);
    let gone = || SendError::Window(WindowError::Gone { pair: run.pair() });
    let text = message.as_str().as_bytes();
    match tmux.paste(pane, run.id(), text, Brackets::AsAsked, None)? {
        Typed::Yes => {}
        Typed::InputOff => return Err(window.input_off(run)),
        Typed::Gone | Typed::Withheld => return Err(gone()),
    }
    if !text.is_empty() {
        thread::sleep(AFTER_THE_PASTE);
    }
    match tmux.press_enter(pane, run.id(), None)? {
        Typed::Yes => Ok(Sent::Typed),
        Typed::InputOff => Err(window.input_off(run)),
        // The program ended after reading one of several lines: the text was typed.
        Typed::Gone | Typed::Withheld if message.as_str().contains('\n') => Ok(Sent::Typed),
        Typed::Gone | Typed::Withheld => Err(gone()),
    }
}

impl Window {
    pub(crate) fn input_off(&self, run: &Run) -> SendError {
        let (socket, pane) = (self.tmux.socket().to_string_lossy(), &self.place.pane_id);
        let enable = shell_words::join(["tmux", "-S", &socket, "select-pane", "-e", "-t", pane]);
        SendError::InputOff { pair: run.pair(), enable }
    }
}

impl Sent {
    /// Whether the agent's transcript contains the text.
    pub fn is_confirmed(self) -> bool {
        matches!(self, Self::Confirmed | Self::Rewritten)
    }
}
