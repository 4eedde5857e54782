//! Ending a run and its whole process tree, and nothing else.

use std::io;
use std::time::Duration;

use crate::model::answer_record::AnswerRecord;
use crate::model::exit_record::ExitRecord;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::{EndState, RunState, UnknownWhy};
use crate::runner::ledger::Ledger;
use crate::system::clock::{self, Stopwatch};
use crate::system::process::tree::{self, Root};
use crate::system::process::{self, Signal};
use crate::system::store::index::IndexError;
use crate::system::store::pair_lock::{self, Claim};
use crate::system::store::run_folder::RunFolder;
use crate::system::tmux::{Tmux, TmuxError};

/// How hard a run is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// TERM, then after the mode's grace KILL.
    Stop,
    /// The same, by Ctrl-C of the command that started it.
    Interrupt,
    /// KILL now.
    Kill,
}

/// What came of a stop.
#[derive(Clone, Debug, PartialEq)]
pub enum Stopped {
    /// It ended because of this, or of another stop at the same time.
    Ended(Box<Run>),
    /// Nothing of the pair was active; its last run, if there is one.
    NotRunning(Option<Box<Run>>),
}

/// Why a run could not be stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    #[error("`{pair}` cannot be seen: {}", .why.reason())]
    Unknown { pair: Pair, why: UnknownWhy },
    #[error("processes of `{pair}` are still alive: {}", .pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Survivors { pair: Pair, pids: Vec<u32> },
    #[error(transparent)]
    Tmux(#[from] TmuxError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("the run cannot be stopped")]
    Io(#[from] io::Error),
}

/// A record that cannot be read for so long is no record that is being written.
const UNREADABLE: Duration = Duration::from_secs(5);

/// So long may a terminal be read after nothing is left that writes to it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// While something that tells no one is awaited, it is looked at again after this long.
const STEP: Duration = Duration::from_millis(5);

impl Ledger {
    /// Stops the active run of `pair`, if there is one, and returns when nothing of it is left.
    pub fn stop(&self, pair: &Pair, how: How) -> Result<Stopped, StopError> {
        let active = self.observe_pair(pair)?.runs.into_iter().rev().find(Run::is_active);
        match active {
            Some(run) => self.stop_run(&run, how),
            None => Ok(Stopped::NotRunning(self.last_run(pair)?.map(Box::new))),
        }
    }

    /// Stops one run that was just seen.
    pub fn stop_run(&self, run: &Run, how: How) -> Result<Stopped, StopError> {
        let folder = self.folder(run.id());
        if let RunState::Unknown(why) = &run.state {
            return Err(StopError::Unknown { pair: run.pair(), why: why.clone() });
        }
        folder.ask_to_stop(how != How::Stop)?;
        if run.facts.headless {
            self.stop_job(run, &folder, how)?;
        } else if !self.stop_waiting_window(run, &folder, how)? {
            self.stop_window(run, &folder, how)?;
        }
        // Whoever ended it wrote it down; if nobody did, looking does.
        let ended = self.ended(run.id())?;
        let survivors = ended.end.as_ref().map(|end| end.survivors.clone()).unwrap_or_default();
        if !survivors.is_empty() {
            return Err(StopError::Survivors { pair: run.pair(), pids: survivors });
        }
        if ended.is_active() {
            return Err(StopError::Io(io::Error::other("it does not end")));
        }
        let _ = self.index().and_then(|index| match &ended.end {
            Some(end) => index.finish(&ended.facts, end),
            None => Ok(()),
        });
        Ok(Stopped::Ended(Box::new(ended)))
    }

    /// The run once its end is written: another command may be at that.
    fn ended(&self, id: &RunId) -> Result<Run, StopError> {
        let begun = Stopwatch::start();
        loop {
            let run = self.run(id)?.ok_or_else(|| io::Error::other("its record is gone"))?;
            if !run.is_active() || begun.elapsed() > Duration::from_secs(10) {
                return Ok(run);
            }
            std::thread::sleep(STEP);
        }
    }

    fn stop_job(&self, run: &Run, folder: &RunFolder, how: How) -> Result<(), StopError> {
        let pair = run.pair();
        let begun = Stopwatch::start();
        let mut signalled = false;
        loop {
            // Nothing to wait for but this run: a later one of the pair is none of ours.
            if folder.has_end() {
                return Ok(());
            }
            match pair_lock::claim(self.state(), &pair)? {
                // Not started yet: holding its pair keeps it from starting.
                Claim::Taken(lock, _) => {
                    if matches!(folder.read_queue(), Ok(Some(_)))
                        && matches!(folder.read_live(), Ok(None))
                        && !folder.has_end()
                    {
                        folder.remove_queue()?;
                        self.write_end(folder, &self.never_ran(run, how))?;
                    }
                    drop(lock);
                    return Ok(());
                }
                Claim::Held(Some(other)) if other != *run.id() => return Ok(()),
                Claim::Held(_) => {}
            }
            match folder.read_live() {
                Ok(Some(live)) if !signalled => {
                    let signal = match how {
                        How::Stop => Signal::TERM,
                        How::Interrupt => Signal::INT,
                        How::Kill => Signal::QUIT,
                    };
                    process::signal(&live.owner, signal)?;
                    signalled = true;
                }
                // It is starting: its supervisor looks for our request when it has said that it lives.
                Ok(_) => {}
                Err(error) if begun.elapsed() > UNREADABLE => return Err(StopError::Io(io::Error::other(error))),
                Err(_) => {}
            }
            std::thread::sleep(STEP);
        }
    }

    /// A queued run that is stopped has an end without ever having had a process.
    fn never_ran(&self, run: &Run, how: How) -> ExitRecord {
        ExitRecord {
            version: crate::model::exit_record::EXIT_VERSION,
            run_id: run.id().clone(),
            state: EndState::Stopped,
            reason: Some("before it started".to_owned()),
            exit_code: None,
            signal: None,
            interrupted: how != How::Stop,
            started_at: None,
            ended_at: clock::now(),
            duration_ms: 0,
            attempt: 0,
            usage: Default::default(),
            log_bytes: 0,
            survivors: Vec::new(),
            limits: None,
            pid: None,
            answer: AnswerRecord::default(),
        }
    }

    /// Takes a window's run out of the queue. False where it is none that waits: its window is
    /// there, or is being opened.
    fn stop_waiting_window(&self, run: &Run, folder: &RunFolder, how: How) -> Result<bool, StopError> {
        if !matches!(run.state, RunState::Queued(_)) {
            return Ok(false);
        }
        loop {
            if folder.has_end() {
                return Ok(true);
            }
            if !folder.is_queued() {
                return Ok(false);
            }
            if let Claim::Taken(lock, _) = pair_lock::claim(self.state(), &run.pair())? {
                let waits = folder.is_queued() && matches!(folder.read_live(), Ok(None)) && !folder.has_end();
                if waits {
                    folder.remove_queue()?;
                    self.write_end(folder, &self.never_ran(run, how))?;
                }
                drop(lock);
                return Ok(waits);
            }
            std::thread::sleep(STEP);
        }
    }

    fn stop_window(&self, run: &Run, folder: &RunFolder, how: How) -> Result<(), StopError> {
        let mut run = run.clone();
        // A window that is being made has no pane to end yet.
        for _ in 0..1000 {
            if run.progress.pane.is_some() || !run.is_active() {
                break;
            }
            std::thread::sleep(STEP);
            run = self.run(run.id())?.unwrap_or(run);
        }
        let (Some(socket), Some(pane)) = (run.facts.socket.clone(), run.progress.pane.clone()) else { return Ok(()) };
        let grace = folder.read_spec().map(|spec| spec.stop_grace.as_duration()).unwrap_or_default();
        // Fixed once, from the agent's own record: a pid alone may be somebody else's by now.
        let owner = folder.read_live().ok().flatten().map(|live| live.owner);
        let root = owner.map(|owner| Root::Agent { pid: owner.pid, start_time: owner.start_time });
        // The tree first and the window last: tmux alone sends no more than a hang-up.
        let survivors = end_tree(run.id(), root, if how == How::Kill { Duration::ZERO } else { grace })?;
        // Looking finds the dead pane and writes the end, under the pair's lock. tmux may have more to
        // read of what the agent said last, and calls no pane dead before that.
        let begun = Stopwatch::start();
        while self.observe_some(std::slice::from_ref(run.id()))?.runs.iter().any(Run::is_active)
            && survivors.is_empty()
            && begun.elapsed() < LAST_WORDS
        {
            std::thread::sleep(STEP);
        }
        Tmux::new(socket).kill_panes(&[(pane.as_str(), run.id())])?;
        if survivors.is_empty() {
            return Ok(());
        }
        Err(StopError::Survivors { pair: run.pair(), pids: survivors })
    }
}

/// Ends what carries the mark of a run that nobody owns any more. Returns what cannot be ended.
pub(crate) fn sweep(run: &RunId) -> io::Result<Vec<u32>> {
    end_tree(run, None, Duration::from_secs(1))
}

/// TERM, `grace`, KILL until nothing is left; at most 5 s of the last. A table of processes that
/// cannot be read is an error, never an empty one.
fn end_tree(run: &RunId, root: Option<Root>, grace: Duration) -> io::Result<Vec<u32>> {
    if tree::members(run, root)?.is_empty() {
        return Ok(Vec::new());
    }
    if !grace.is_zero() {
        tree::signal_members(run, root, Signal::TERM)?;
        let begun = Stopwatch::start();
        while begun.elapsed() < grace {
            if tree::members(run, root)?.is_empty() {
                return Ok(Vec::new());
            }
            std::thread::sleep(STEP);
        }
    }
    let begun = Stopwatch::start();
    loop {
        let left = tree::signal_members(run, root, Signal::KILL)?;
        if left.is_empty() || begun.elapsed() > Duration::from_secs(5) {
            return Ok(left.iter().map(|process| process.pid).collect());
        }
        std::thread::sleep(STEP);
    }
}
