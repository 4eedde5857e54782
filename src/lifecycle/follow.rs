//! Follows one run: hands out its log bytes as they are written and waits for its end.
//! Input: a run. Output: log pieces, observed states, the end. A running job must not be polled where the kernel
//! reports file changes and the release of the pair lock. Must not start or stop a run.

pub mod failed_attempts;
pub mod tail;

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::lifecycle::launch::start::StartError;
use crate::lifecycle::store::Store;
use crate::lifecycle::{queue, refresh};
use crate::model::names::Pair;
use crate::model::run::{Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_state::{RunState, UnknownWhy, WaitingFor};
use crate::os::clock::Stopwatch;
use crate::os::folder;
use crate::os::watch::poll_interval::PollInterval;
use crate::os::watch::{self, ChangeWatch};
use crate::store::index::IndexError;
use crate::store::logs::reader::{LogPiece, LogStreams, ReadFrom, RunLogReader};
use crate::store::pair_lock::{self, Liveness};

/// Poll interval for a queued run. If the run that held the slot was killed, only a command that calls
/// `queue::advance` moves the queue, so a waiting command does it.
const QUEUE_POLL: Duration = Duration::from_secs(1);
/// Poll interval for a window: the tmux hook that records its end may be missing.
const WINDOW_POLL: Duration = Duration::from_secs(1);

/// Poll interval for logs when no inotify watch is available.
const UNWATCHED_POLL: Duration = Duration::from_millis(200);
/// How long a wait goes on while tmux or an engine does not answer.
const SILENCE: Duration = Duration::from_secs(15);

/// Why a run could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Queue(#[from] StartError),
    #[error("the run cannot be followed")]
    Io(#[from] io::Error),
    /// The state of the run cannot be observed from here, so neither can its end.
    #[error("the state of `{pair}` is unknown: {}", .why.reason())]
    Unknown { pair: Pair, why: UnknownWhy },
    #[error("the record of run {0} is gone")]
    Gone(RunId),
}

/// Why a wait returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The run may have changed.
    Changed,
    /// The caller's descriptor is readable.
    Interrupted,
    /// The caller's timeout has passed.
    TimeUp,
}

/// Whether another host may write the run folder: the kernel reports no change that it makes.
fn is_written_elsewhere(store: &Store, facts: &RunFacts) -> bool {
    facts.executor.is_some() || matches!(folder::served_by(store.state().path()), Ok(Some(_)))
}

/// One followed run. Wakes on changes of the run folder and the logs, and on the release of the pair lock.
#[derive(Debug)]
pub struct Follower {
    store: Store,
    id: RunId,
    /// `None`: the run's end alone is followed, or the kernel has no inotify watch left; then a timer polls.
    watch: Option<ChangeWatch>,
    /// Readable once the pair lock is free: the supervisor has exited.
    freed: UnixStream,
    logs: Option<RunLogReader>,
    owner_awaited: bool,
    /// For a run on an engine: its node holds no lock here, and a file server reports no change of a file.
    interval: PollInterval,
    /// The last observed state.
    last: Option<Run>,
}

impl Follower {
    /// Follows `run`. `logs`: the streams and where to start; `None` waits for the end only. Fails if a log cannot be
    /// opened.
    pub fn new(store: &Store, run: &Run, logs: Option<(LogStreams, ReadFrom)>) -> io::Result<Self> {
        let folder = store.folder(run.id());
        // The pair lock reports the end of a job. No inotify watch: the kernel takes some milliseconds to close one,
        // which would delay the report of the end.
        let only_its_end = logs.is_none() && run.facts.form.is_job() && !matches!(run.state, RunState::Queued(_));
        let watch = match only_its_end || is_written_elsewhere(store, &run.facts) {
            true => None,
            false => ChangeWatch::new().and_then(|watch| watch.watch_folder(folder.path()).map(|()| watch)).ok(),
        };
        let logs = logs.map(|(streams, from)| RunLogReader::open(&folder, streams, from)).transpose()?;
        let (freed, _) = UnixStream::pair()?;
        let (store, id, interval) = (store.clone(), run.id().clone(), PollInterval::default());
        Ok(Self { store, id, watch, freed, logs, owner_awaited: false, interval, last: None })
    }

    /// Passes the log bytes written since the last call to `sink`.
    pub fn read(&mut self, sink: &mut dyn FnMut(LogPiece<'_>) -> io::Result<()>) -> io::Result<u64> {
        if let Some(watch) = &self.watch {
            watch.clear();
        }
        let count = self.logs.as_mut().map_or(Ok(0), |logs| logs.read(sink))?;
        self.interval.polled(count > 0);
        Ok(count)
    }

    /// Observes the run; fails if it was pruned. Call before [`Self::read`]: after an end, that read returns all
    /// remaining bytes.
    pub fn look(&mut self) -> Result<Run, FollowError> {
        // Every line that a job prints wakes the follower. While the pair lock is held for this run, the record files
        // decide alone; a full observation is not needed.
        if let Some(last) = self.last.as_ref().filter(|run| run.facts.form.is_job() && run.state == RunState::Running) {
            let held = pair_lock::probe(self.store.state(), &last.pair())?;
            let folder = self.store.folder(&self.id);
            if held == Liveness::Held(Some(self.id.clone()))
                && !folder.has_exit()
                && folder.stop_requested().is_none()
                && !folder.is_unsaved()
            {
                return Ok(last.clone());
            }
        }
        let run = refresh::one(&self.store, &self.id)?.ok_or_else(|| FollowError::Gone(self.id.clone()))?;
        if self.last.as_ref().is_none_or(|last| last.state != run.state) {
            self.interval = PollInterval::default();
        }
        self.last = Some(run.clone());
        Ok(run)
    }

    /// Sleeps until the run may have changed, `also` is readable, or `timeout` has passed.
    pub fn wait(
        &mut self,
        run: &Run,
        also: Option<BorrowedFd<'_>>,
        timeout: Option<Duration>,
    ) -> Result<Woken, FollowError> {
        self.store.close_index();
        let running_job =
            run.facts.form.is_job() && matches!(run.state, RunState::Starting | RunState::Running | RunState::Stopping);
        let tick = match &run.state {
            RunState::Queued(WaitingFor::Engine) => Some(self.interval.get()),
            RunState::Queued(_) => Some(QUEUE_POLL),
            _ if run.facts.executor.is_some() => Some(self.interval.get()),
            _ if running_job => {
                self.await_owner(run)?;
                match (&self.watch, &self.logs) {
                    (Some(watch), _) => watch.tick(),
                    (None, Some(_)) => Some(UNWATCHED_POLL),
                    // The next run of the pair may take the lock before the waiting thread gets it: poll too.
                    (None, None) => Some(QUEUE_POLL),
                }
            }
            _ => Some(WINDOW_POLL),
        };
        let limit = [tick, timeout].into_iter().flatten().min();
        let mut fds = Vec::new();
        if self.owner_awaited {
            fds.push(self.freed.as_fd());
        }
        fds.extend(self.watch.as_ref().map(|watch| watch.as_fd()));
        fds.extend(also);
        let ready = watch::wait_readable(&fds, limit)?;
        if also.is_some() && ready.last() == Some(&true) {
            return Ok(Woken::Interrupted);
        }
        if ready.iter().any(|ready| *ready) {
            // The supervisor exited without writing an end: the next `look` records the run as lost.
            if self.owner_awaited && ready.first() == Some(&true) {
                self.owner_awaited = false;
            }
            return Ok(Woken::Changed);
        }
        if matches!(run.state, RunState::Queued(waiting_for) if waiting_for != WaitingFor::Engine) {
            queue::advance(&self.store)?;
        }
        Ok(if timeout.is_some() && limit == timeout { Woken::TimeUp } else { Woken::Changed })
    }

    /// Starts a thread that blocks on the pair lock and closes its end of the socket when the lock is free.
    fn await_owner(&mut self, run: &Run) -> io::Result<()> {
        if self.owner_awaited {
            return Ok(());
        }
        let (ours, theirs) = UnixStream::pair()?;
        let (state, pair) = (self.store.state().clone(), run.pair());
        std::thread::Builder::new().name("await-owner".to_owned()).spawn(move || {
            let _ = pair_lock::wait_until_free(&state, &pair);
            drop(theirs);
        })?;
        self.freed = ours;
        self.owner_awaited = true;
        Ok(())
    }
}

/// Since when the source of a run's state, tmux or an engine, has not answered.
#[derive(Debug, Default)]
pub struct SilentSource(Option<Stopwatch>);

impl SilentSource {
    /// Whether a wait goes on although a run in `state` cannot be observed.
    pub fn is_awaited(&mut self, state: &RunState) -> bool {
        match state {
            RunState::Unknown(UnknownWhy::Tmux(_) | UnknownWhy::Window(_) | UnknownWhy::Engine(_)) => {
                self.0.get_or_insert_with(Stopwatch::start).elapsed() < SILENCE
            }
            RunState::Unknown(_) => false,
            _ => {
                self.0 = None;
                true
            }
        }
    }
}

/// Waits until `run` has ended; `None` if `timeout` passes first. Calls `seen` with every observed state.
/// Fails if the run was pruned or cannot be observed; tmux may be silent for 15 s.
pub fn wait_for_end(
    store: &Store,
    run: &Run,
    timeout: Option<Duration>,
    seen: &mut dyn FnMut(&Run),
) -> Result<Option<Run>, FollowError> {
    let mut follower = Follower::new(store, run, None)?;
    let begun = Stopwatch::start();
    let mut source = SilentSource::default();
    loop {
        let run = follower.look()?;
        seen(&run);
        let is_awaited = source.is_awaited(&run.state);
        match &run.state {
            RunState::Ended(_) => return Ok(Some(run)),
            RunState::Unknown(why) if !is_awaited => {
                return Err(FollowError::Unknown { pair: run.pair(), why: why.clone() });
            }
            _ => {}
        }
        let left = timeout.map(|timeout| timeout.saturating_sub(begun.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(None);
        }
        follower.read(&mut |_| Ok(()))?;
        follower.wait(&run, None, left)?;
    }
}
