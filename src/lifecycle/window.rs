//! Finds the tmux window of a run, by asking tmux.

pub mod attach;
pub(crate) mod confirmed_send;
pub mod event;
pub mod last_lines;
pub mod send;
pub mod show_window;
pub mod terminal;
pub(crate) mod viewers;

use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_state::{RunState, UnknownWhy};
use crate::os::pty::Size;
use crate::os::tmux::{PaneLocation, Tmux, TmuxError};

/// Why a run has no usable window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    #[error("`{pair}` is headless: it has no window")]
    Headless { pair: Pair },
    /// Ended or queued.
    #[error("`{pair}` is not running")]
    NotRunning { pair: Pair },
    #[error("the state of `{pair}` is unknown: {}", .why.reason())]
    Unknown { pair: Pair, why: UnknownWhy },
    #[error("the window of `{pair}` is gone")]
    Gone { pair: Pair },
    #[error(transparent)]
    Tmux(#[from] TmuxError),
}

#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) tmux: Tmux,
    pub(crate) place: PaneLocation,
}

/// Asks tmux, not the record: a user may move a window or break a pane out of it. Fails if the run has no live pane.
pub(crate) fn window_of(run: &Run) -> Result<Window, WindowError> {
    let pair = run.pair();
    match &run.state {
        _ if run.facts.form.is_job() => return Err(WindowError::Headless { pair }),
        RunState::Queued(_) | RunState::Ended(_) => return Err(WindowError::NotRunning { pair }),
        RunState::Unknown(why) => return Err(WindowError::Unknown { pair, why: why.clone() }),
        RunState::Starting | RunState::Running | RunState::Stopping => {}
    }
    let socket = run.facts.socket.clone().ok_or(WindowError::Gone { pair: pair.clone() })?;
    let tmux = Tmux::new(socket);
    match tmux.pane_location(run.id(), run.facts.session.as_deref())? {
        Some(place) if place.is_dead => Err(WindowError::NotRunning { pair }),
        Some(place) => Ok(Window { tmux, place }),
        None => Err(WindowError::Gone { pair }),
    }
}

impl Window {
    pub(crate) fn size(&self) -> Size {
        Size::clamped(self.place.cols, self.place.rows)
    }
}

#[cfg(test)]
mod tests;
