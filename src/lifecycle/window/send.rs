//! Text into the window of an interactive run, as if typed and entered.

use std::io;
use std::thread;
use std::time::Duration;

use crate::agents::{self, Arrival, Delivered};
use crate::lifecycle::store::Store;
use crate::lifecycle::window;
use crate::lifecycle::window::confirmed_send;
use crate::lifecycle::window::{Window, WindowError};
use crate::model::message::Message;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::os::tmux::{Brackets, TmuxError, Typed};
use crate::store::index::IndexError;

/// Some programs take a paste in later than the keys that follow it.
const AFTER_THE_PASTE: Duration = Duration::from_millis(100);

/// How sure it is that the text arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Typed and entered; the agent tells nothing of what it read.
    Typed,
    /// A command of the agent's own, taken from its input line.
    Taken,
    /// It stands in the agent's transcript, byte for byte.
    Confirmed,
    /// It stands there as the agent rewrites what is typed.
    Rewritten,
}

/// Why a text was not sent, or nobody can tell whether it was.
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

/// Types `message` and enters it, once the agent can take it. Texts that are sent at once arrive one
/// after the other. Some agents confirm by their transcript; of another it is known only that the text
/// was typed. Fails where the text was not sent, or it is not known whether it was.
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

/// In brackets where the program asked for them: then lines stay one text.
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
        // What it read was enough for it to end.
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
    /// Whether the agent's own record shows the text.
    pub fn is_confirmed(self) -> bool {
        matches!(self, Self::Confirmed | Self::Rewritten)
    }
}
