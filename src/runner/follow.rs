//! Following a run: its output as it is written, and its end as it comes.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::runner::ledger::Ledger;
use crate::runner::start::StartError;
use crate::system::logs::reader::{From, LogReader, Piece, Streams};
use crate::system::store::index::IndexError;
use crate::system::store::pair_lock;
use crate::system::watch::{self, Watch};

/// A queue whose last holder was killed moves when somebody looks: waiting commands do, this often.
const QUEUE_LOOK: Duration = Duration::from_secs(1);
/// A window's end is told by a hook of tmux; without one it is looked for this often.
const WINDOW_LOOK: Duration = Duration::from_secs(1);

/// Why a run could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Queue(#[from] StartError),
    #[error("the run cannot be followed")]
    Io(#[from] io::Error),
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
    ledger: Ledger,
    id: RunId,
    watch: Watch,
    /// Readable once the pair's lock is free: the run's owner is gone.
    freed: UnixStream,
    logs: Option<LogReader>,
    owner_awaited: bool,
}

impl Follower {
    /// Follows `run`, from `from` on in the given streams; `None` for its end alone.
    pub fn new(ledger: &Ledger, run: &Run, logs: Option<(Streams, From)>) -> io::Result<Self> {
        let folder = ledger.folder(run.id());
        let watch = Watch::new()?;
        watch.folder(folder.path())?;
        let logs = logs.map(|(streams, from)| LogReader::open(&folder, streams, from)).transpose()?;
        let (freed, _) = UnixStream::pair()?;
        Ok(Self { ledger: ledger.clone(), id: run.id().clone(), watch, freed, logs, owner_awaited: false })
    }

    /// Hands over what was written since the last call.
    pub fn read(&mut self, sink: &mut dyn FnMut(Piece<'_>) -> io::Result<()>) -> io::Result<u64> {
        self.watch.clear();
        self.logs.as_mut().map_or(Ok(0), |logs| logs.read(sink))
    }

    /// The run as it is now. Call before [`Self::read`] to know that what is read is all there is.
    pub fn look(&self) -> Result<Run, FollowError> {
        self.ledger.run(&self.id)?.ok_or_else(|| FollowError::Gone(self.id.clone()))
    }

    /// Sleeps until something of the run changes, `also` can be read, or `timeout` passes.
    pub fn wait(
        &mut self,
        run: &Run,
        also: Option<BorrowedFd<'_>>,
        timeout: Option<Duration>,
    ) -> Result<Woken, FollowError> {
        use crate::model::run_state::RunState;
        let running_job =
            run.facts.headless && matches!(run.state, RunState::Starting | RunState::Running | RunState::Stopping);
        let tick = match &run.state {
            RunState::Queued(_) => Some(QUEUE_LOOK),
            _ if running_job => {
                self.await_owner(run)?;
                self.watch.tick()
            }
            _ => Some(WINDOW_LOOK),
        };
        let limit = [tick, timeout].into_iter().flatten().min();
        let mut fds = vec![self.watch.as_fd()];
        if self.owner_awaited {
            fds.push(self.freed.as_fd());
        }
        fds.extend(also);
        let ready = watch::wait_readable(&fds, limit)?;
        if also.is_some() && ready.last() == Some(&true) {
            return Ok(Woken::Interrupted);
        }
        if ready.iter().any(|ready| *ready) {
            // The owner is gone without an end: the next look finds it lost and says so.
            if self.owner_awaited && ready.get(1) == Some(&true) {
                self.owner_awaited = false;
            }
            return Ok(Woken::Changed);
        }
        if matches!(run.state, RunState::Queued(_)) {
            self.ledger.start_queued()?;
        }
        Ok(if timeout.is_some() && limit == timeout { Woken::TimeUp } else { Woken::Changed })
    }

    /// A thread sleeps on the pair's lock and pokes us when the kernel frees it.
    fn await_owner(&mut self, run: &Run) -> io::Result<()> {
        if self.owner_awaited {
            return Ok(());
        }
        let (ours, theirs) = UnixStream::pair()?;
        let (state, pair) = (self.ledger.state().clone(), run.pair());
        std::thread::Builder::new().name("await-owner".to_owned()).spawn(move || {
            let _ = pair_lock::wait_until_free(&state, &pair);
            drop(theirs);
        })?;
        self.freed = ours;
        self.owner_awaited = true;
        Ok(())
    }

    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

impl Ledger {
    /// Waits until `run` has ended. `None` when `timeout` passed first.
    pub fn wait(&self, run: &Run, timeout: Option<Duration>) -> Result<Option<Run>, FollowError> {
        let mut follower = Follower::new(self, run, None)?;
        let begun = std::time::Instant::now();
        loop {
            let run = follower.look()?;
            if !run.is_active() {
                return Ok(Some(run));
            }
            let left = timeout.map(|timeout| timeout.saturating_sub(begun.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            follower.read(&mut |_| Ok(()))?;
            follower.wait(&run, None, left)?;
        }
    }
}
