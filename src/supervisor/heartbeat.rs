//! On a node of an engine: shows that a run is alive, and notices when it must end: a stop was requested, another process
//! recorded its end, or nothing can be written for so long that others may call it lost.
//!
//! It has a thread of its own, since a file system that does not answer blocks the calling thread.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::model::engine::EngineExecutor;
use crate::os::clock::Stopwatch;
use crate::store::run_folder::RunFolder;

/// What a node has noticed of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeNotice {
    Nothing,
    StopRequested {
        interrupted: bool,
    },
    /// Another process recorded the end of the run.
    EndedElsewhere,
    /// No sign of life could be written for too long.
    Fenced,
}

#[derive(Debug)]
pub(super) struct Heartbeat {
    shared: Arc<Shared>,
    interval: Duration,
    fence: Duration,
}

#[derive(Debug)]
struct Shared {
    /// Since the last sign of life that was written.
    written: Mutex<Stopwatch>,
    ended_elsewhere: AtomicBool,
    stop: AtomicU8,
    /// This process is about to record the end itself.
    is_closing: AtomicBool,
}

const NO_STOP: u8 = 0;
const STOP: u8 = 1;
const INTERRUPT: u8 = 2;

impl Heartbeat {
    /// Writes the first sign of life and starts the thread. Fails if either is impossible.
    pub(super) fn begin(folder: &RunFolder, executor: &EngineExecutor) -> io::Result<Self> {
        folder.write_heartbeat(1)?;
        let shared = Arc::new(Shared {
            written: Mutex::new(Stopwatch::start()),
            ended_elsewhere: AtomicBool::new(false),
            stop: AtomicU8::new(NO_STOP),
            is_closing: AtomicBool::new(false),
        });
        let (folder, thread_shared, interval) = (folder.clone(), Arc::clone(&shared), executor.heartbeat_interval());
        thread::Builder::new().name("heartbeat".to_owned()).spawn(move || beat(&folder, &thread_shared, interval))?;
        Ok(Self { shared, interval, fence: executor.fence() })
    }

    /// How often [`Self::notice`] is worth a call.
    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) fn notice(&self) -> NodeNotice {
        if self.shared.ended_elsewhere.load(Ordering::Acquire) {
            return NodeNotice::EndedElsewhere;
        }
        let age = self.shared.written.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        if age > self.fence {
            return NodeNotice::Fenced;
        }
        match self.shared.stop.load(Ordering::Acquire) {
            NO_STOP => NodeNotice::Nothing,
            stop => NodeNotice::StopRequested { interrupted: stop == INTERRUPT },
        }
    }

    /// The run's own end is no other process's.
    pub(super) fn close(&self) {
        self.shared.is_closing.store(true, Ordering::Release);
    }
}

fn beat(folder: &RunFolder, shared: &Shared, interval: Duration) {
    for count in 2.. {
        thread::sleep(interval);
        if shared.is_closing.load(Ordering::Acquire) {
            return;
        }
        if folder.write_heartbeat(count).is_ok() {
            *shared.written.lock().unwrap_or_else(PoisonError::into_inner) = Stopwatch::start();
        }
        if let Some(interrupted) = folder.stop_requested() {
            shared.stop.store(if interrupted { INTERRUPT } else { STOP }, Ordering::Release);
        }
        if folder.has_exit() && !shared.is_closing.load(Ordering::Acquire) {
            shared.ended_elsewhere.store(true, Ordering::Release);
        }
    }
}
