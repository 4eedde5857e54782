//! Following a run: its output as it is written, and its end as it comes.

pub mod failed_attempts;
pub mod tail;

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::lifecycle::launch::start::StartError;
use crate::lifecycle::queue;
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::{RunState, UnknownWhy};
use crate::os::clock::Stopwatch;
use crate::os::watch::{self, ChangeWatch};
use crate::store::index::IndexError;
use crate::store::logs::reader::{LogPiece, LogStreams, ReadFrom, RunLogReader};
use crate::store::pair_lock::{self, Liveness};

/// A queue whose last holder was killed moves when somebody looks: waiting commands do, this often.
const QUEUE_LOOK: Duration = Duration::from_secs(1);
/// A window's end is told by a hook of tmux; without one it is looked for this often.
const WINDOW_LOOK: Duration = Duration::from_secs(1);

/// Without the kernel's help logs are looked at this often.
const BLIND_LOOK: Duration = Duration::from_millis(200);
/// A tmux that does not answer may come back; so long a wait goes on without it.
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
    /// It cannot be seen from here, so its end never will be.
    #[error("`{pair}` cannot be seen: {}", .why.reason())]
    Unknown { pair: Pair, why: UnknownWhy },
    #[error("the record of run {0} is gone")]
    Gone(RunId),
}

/// Why a wait returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Something of the run changed.
    Changed,
    /// The caller's own descriptor can be read.
    Interrupted,
    /// The time was up.
    TimeUp,
}

/// One run that is being followed. Wakes by the kernel: files, folder and lock; a job that runs
/// is never polled.
#[derive(Debug)]
pub struct Follower {
    store: Store,
    id: RunId,
    /// `None` where the kernel has no more of them: then a short timer.
    watch: Option<ChangeWatch>,
    /// Readable once the pair's lock is free: the run's owner is gone.
    freed: UnixStream,
    logs: Option<RunLogReader>,
    owner_awaited: bool,
    /// The run as it was seen last.
    last: Option<Run>,
}

impl Follower {
    /// Follows `run`, from `from` on in the given streams; `None` for its end alone.
    pub fn new(store: &Store, run: &Run, logs: Option<(LogStreams, ReadFrom)>) -> io::Result<Self> {
        let folder = store.folder(run.id());
        // The end of a job is told by its lock. Watching more would be paid for at the end: the
        // kernel takes some milliseconds to close a watch.
        let only_its_end = logs.is_none() && run.facts.headless && !matches!(run.state, RunState::Queued(_));
        let watch = match only_its_end {
            true => None,
            false => ChangeWatch::new().and_then(|watch| watch.watch_folder(folder.path()).map(|()| watch)).ok(),
        };
        let logs = logs.map(|(streams, from)| RunLogReader::open(&folder, streams, from)).transpose()?;
        let (freed, _) = UnixStream::pair()?;
        Ok(Self { store: store.clone(), id: run.id().clone(), watch, freed, logs, owner_awaited: false, last: None })
    }

    /// Hands over what was written since the last call.
    pub fn read(&mut self, sink: &mut dyn FnMut(LogPiece<'_>) -> io::Result<()>) -> io::Result<u64> {
        if let Some(watch) = &self.watch {
            watch.clear();
        }
        self.logs.as_mut().map_or(Ok(0), |logs| logs.read(sink))
    }

    /// The run as it is now. Call before [`read`] to know that what is read is all there is.
    pub fn look(&mut self) -> Result<Run, FollowError> {
        // A job that runs and whose owner holds its pair still runs: each line it prints wakes us,
        // and must not cost a look at everything.
        if let Some(last) = self.last.as_ref().filter(|run| run.facts.headless && run.state == RunState::Running) {
            let held = pair_lock::probe(self.store.state(), &last.pair())?;
            let folder = self.store.folder(&self.id);
            if held == Liveness::Held(Some(self.id.clone()))
                && !folder.has_exit()
                && folder.stop_asked().is_none()
                && !folder.is_unsaved()
            {
                return Ok(last.clone());
            }
        }
        let run = refresh::one(&self.store, &self.id)?.ok_or_else(|| FollowError::Gone(self.id.clone()))?;
        self.last = Some(run.clone());
        Ok(run)
    }

    /// Sleeps until something of the run changes, `also` can be read, or `timeout` passes.
    pub fn wait(
        &mut self,
        run: &Run,
        also: Option<BorrowedFd<'_>>,
        timeout: Option<Duration>,
    ) -> Result<Woken, FollowError> {
        self.store.close_index();
        let running_job =
            run.facts.headless && matches!(run.state, RunState::Starting | RunState::Running | RunState::Stopping);
        let tick = match &run.state {
            RunState::Queued(_) => Some(QUEUE_LOOK),
            _ if running_job => {
                self.await_owner(run)?;
                match (&self.watch, &self.logs) {
                    (Some(watch), _) => watch.tick(),
                    (None, Some(_)) => Some(BLIND_LOOK),
                    // The next run of the pair may take the lock before we are woken.
                    (None, None) => Some(QUEUE_LOOK),
                }
            }
            _ => Some(WINDOW_LOOK),
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
            // The owner is gone without an end: the next look finds it lost and says so.
            if self.owner_awaited && ready.first() == Some(&true) {
                self.owner_awaited = false;
            }
            return Ok(Woken::Changed);
        }
        if matches!(run.state, RunState::Queued(_)) {
            queue::advance(&self.store)?;
        }
        Ok(if timeout.is_some() && limit == timeout { Woken::TimeUp } else { Woken::Changed })
    }

    /// A thread sleeps on the pair's lock and pokes us when the kernel frees it.
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

    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Waits until `run` has ended. `None` when `timeout` passed first. `seen` gets the run as it is
/// observed each time.
pub fn wait_for_end(
    store: &Store,
    run: &Run,
    timeout: Option<Duration>,
    seen: &mut dyn FnMut(&Run),
) -> Result<Option<Run>, FollowError> {
    let mut follower = Follower::new(store, run, None)?;
    let begun = Stopwatch::start();
    let mut silent_since = None;
    loop {
        let run = follower.look()?;
        seen(&run);
        match &run.state {
            RunState::Ended(_) => return Ok(Some(run)),
            RunState::Unknown(UnknownWhy::Tmux(_))
                if silent_since.get_or_insert_with(Stopwatch::start).elapsed() < SILENCE => {}
            RunState::Unknown(why) => return Err(FollowError::Unknown { pair: run.pair(), why: why.clone() }),
            _ => silent_since = None,
        }
        let left = timeout.map(|timeout| timeout.saturating_sub(begun.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(None);
        }
        follower.read(&mut |_| Ok(()))?;
        follower.wait(&run, None, left)?;
    }
}
