//! The progress of stopping one run.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::lifecycle::stop::{END_RECORD_PATIENCE, StopError, Stopped};
use crate::model::owner::Owner;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::store::run_folder::RunFolder;

pub(super) struct RunStop {
    pub(super) run: Run,
    pub(super) folder: RunFolder,
    /// `None` while the run is being stopped.
    pub(super) outcome: Option<Result<Stopped, StopError>>,
    pub(super) part: StopPart,
    /// Whose tree is ended, once known.
    pub(super) owner: Option<Owner>,
    /// The process group that its supervisor signals.
    pub(super) signalled_group: Option<u32>,
    pub(super) survivors: Vec<u32>,
}

/// What there is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopPart {
    Job {
        signalled: bool,
    },
    Window,
    /// A job on an engine, whose node ends its processes.
    EngineJob {
        is_cancelled: bool,
    },
    /// The run was queued and has been removed from the queue.
    Nothing,
}

impl StopPart {
    pub(super) fn has_processes_here(self) -> bool {
        matches!(self, Self::Job { .. } | Self::Window)
    }
}

impl RunStop {
    pub(super) fn goes_on(&self) -> bool {
        self.outcome.is_none()
    }

    /// Does a step, unless the outcome is known; an error becomes the outcome.
    pub(super) fn attempt(&mut self, part: impl FnOnce(&mut Self) -> Result<(), StopError>) {
        if self.goes_on()
            && let Err(error) = part(self)
        {
            self.outcome = Some(Err(error));
        }
    }

    /// The outcome for the run as it was observed last.
    pub(super) fn outcome_of(&self, ended: Run) -> Result<Stopped, StopError> {
        let mut survivors = ended.end.as_ref().map(|end| end.survivors.clone()).unwrap_or_default();
        survivors.extend(&self.survivors);
        survivors.sort_unstable();
        survivors.dedup();
        if !survivors.is_empty() {
            return Err(StopError::Survivors { pair: ended.pair(), pids: survivors });
        }
        if ended.is_active() {
            let limit = END_RECORD_PATIENCE.as_secs();
            let why = format!("its processes have ended, but its end was not recorded within {limit} s");
            return Err(StopError::Io(io::Error::other(why)));
        }
        Ok(Stopped::Ended(Box::new(ended)))
    }

    pub(super) fn ended(&self) -> Option<&Run> {
        match &self.outcome {
            Some(Ok(Stopped::Ended(run))) => Some(run),
            _ => None,
        }
    }
}

/// The indexes of the runs that have a pane, by the socket of their tmux server.
pub(super) fn windows_of(all: &[RunStop]) -> BTreeMap<PathBuf, Vec<usize>> {
    let mut windows: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (at, one) in all.iter().enumerate().filter(|(_, one)| one.goes_on() && one.part == StopPart::Window) {
        if let (Some(socket), Some(_)) = (&one.run.facts.socket, &one.run.progress.pane) {
            windows.entry(socket.clone()).or_default().push(at);
        }
    }
    windows
}

pub(super) fn guards<'a>(all: &'a [RunStop], places: &[usize]) -> Vec<(&'a str, &'a RunId)> {
    let pane = |at: &usize| Some((all[*at].run.progress.pane.as_deref()?, all[*at].run.id()));
    places.iter().filter_map(pane).collect()
}
