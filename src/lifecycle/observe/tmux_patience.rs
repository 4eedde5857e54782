//! How long a look at the runs waits for a tmux server: as long as a command that acts may need, or, for
//! one that only shows, so short that a stopped server does not hold it up. A run whose server does not
//! answer is `unknown`; nothing is concluded from that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::os::tmux::{BOUND, TmuxError};

/// How long commands that only show runs wait for tmux, and how long after tmux did not answer last time.
/// A request may first wait for an observation that is under way: both together stay below 2 s.
const SHOWING: Duration = Duration::from_millis(1300);
const SHOWING_AGAIN: Duration = Duration::from_millis(500);

/// See the module. Clones share what they know of the last look.
#[derive(Clone, Debug)]
pub(crate) struct TmuxPatience {
    first: Duration,
    again: Duration,
    was_silent: Arc<AtomicBool>,
}

impl TmuxPatience {
    /// For what only shows.
    pub(crate) fn to_show() -> Self {
        Self { first: SHOWING, again: SHOWING_AGAIN, was_silent: Arc::default() }
    }

    /// For the next listing.
    pub(crate) fn bound(&self) -> Duration {
        if self.was_silent.load(Ordering::Relaxed) { self.again } else { self.first }
    }

    /// Takes note of what became of a listing.
    pub(crate) fn note<T>(&self, listing: &Result<T, TmuxError>) {
        let silent = matches!(listing, Err(TmuxError::Unknown { .. }));
        self.was_silent.store(silent, Ordering::Relaxed);
    }
}

/// For what acts.
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
