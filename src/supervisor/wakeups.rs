//! What wakes a supervisor: signals, timers, and writes to the logs.

use std::time::Duration;

use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal as SignalStream, SignalKind, signal};
use tokio::time::{Instant, sleep, sleep_until};

use crate::os::watch::ChangeWatch;

/// Polling interval of the logs where no watch wakes the supervisor.
const UNWATCHED_POLL: Duration = Duration::from_millis(200);

/// The signals that a supervisor handles; it ignores a hang-up.
pub(super) struct Signals {
    pub(super) child: SignalStream,
    pub(super) terminate: SignalStream,
    pub(super) interrupt: SignalStream,
    pub(super) quit: SignalStream,
    _hangup: SignalStream,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            _hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// The time `wait` from now, by the runtime's own clock.
pub(super) fn after(wait: Duration) -> Instant {
    sleep(wait).deadline()
}

pub(super) async fn maybe(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Resolves when a log was written to; without a watch that wakes, after [`UNWATCHED_POLL`].
pub(super) async fn log_written(watch: Option<&AsyncFd<ChangeWatch>>) {
    match watch {
        Some(watch) if watch.get_ref().tick().is_none() => {
            if let Ok(mut guard) = watch.readable().await {
                guard.clear_ready();
            }
        }
        _ => sleep(UNWATCHED_POLL).await,
    }
}
