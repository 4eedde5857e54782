//! How long an observation waits for a tmux server: long in a command that acts, short in one that only shows, so
//! that a stopped server does not delay it. A run whose server does not answer is `unknown`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::os::tmux::{BOUND, TmuxError};

/// For commands that only show runs: the bound, and the bound after tmux did not answer. A request may first wait for
/// an observation in progress: both together stay below 2 s.
const SHOWING: Duration = Duration::from_millis(1300);
const SHOWING_AGAIN: Duration = Duration::from_millis(500);

/// Clones share whether the last listing was answered.
#[derive(Clone, Debug)]
pub(crate) struct TmuxPatience {
    first: Duration,
    again: Duration,
    was_silent: Arc<AtomicBool>,
}

impl TmuxPatience {
    /// For commands that only show runs.
    pub(crate) fn to_show() -> Self {
        Self { first: SHOWING, again: SHOWING_AGAIN, was_silent: Arc::default() }
    }

    /// For the next listing.
    pub(crate) fn bound(&self) -> Duration {
        if self.was_silent.load(Ordering::Relaxed) { self.again } else { self.first }
    }

    /// Records whether a listing was answered.
    pub(crate) fn note<T>(&self, listing: &Result<T, TmuxError>) {
        let silent = matches!(listing, Err(TmuxError::Unknown { .. }));
        self.was_silent.store(silent, Ordering::Relaxed);
    }
}

/// For commands that act.
impl Default for TmuxPatience {
    fn default() -> Self {
        Self { first: BOUND, again: BOUND, was_silent: Arc::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_looks_without_an_answer_take_less_than_two_seconds_where_runs_are_shown() {
        let patience = TmuxPatience::to_show();
        let first = patience.bound();
        let silent = TmuxError::Unknown { command: "list-panes".to_owned(), stderr: "no answer".to_owned() };
        patience.clone().note(&Err::<(), _>(silent));
        assert!(first + patience.bound() < Duration::from_secs(2));
        patience.note(&Ok(()));
        assert_eq!(patience.bound(), first, "an answer is waited for as before");
        assert_eq!(TmuxPatience::default().bound(), BOUND);
    }
}
