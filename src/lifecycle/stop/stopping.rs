//! The progress of stopping one run.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::lifecycle::stop::{StopError, Stopped};
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::os::process::tree::Root;
use crate::store::run_folder::RunFolder;

pub(super) struct Stopping {
    pub(super) run: Run,
    pub(super) folder: RunFolder,
    /// `None` while the run is being stopped.
    pub(super) outcome: Option<Result<Stopped, StopError>>,
    pub(super) part: StopPart,
    pub(super) root: Option<Root>,
    /// The process group that its supervisor signals.
    pub(super) asked_group: Option<u32>,
    pub(super) survivors: Vec<u32>,
}

/// What there is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StopPart {
    Job {
        signalled: bool,
    },
    Window,
    /// The run was queued and has been removed from the queue.
    Nothing,
}

impl Stopping {
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

    pub(super) fn judge(&self, ended: Run) -> Result<Stopped, StopError> {
        let mut survivors = ended.end.as_ref().map(|end| end.survivors.clone()).unwrap_or_default();
        survivors.extend(&self.survivors);
        survivors.sort_unstable();
        survivors.dedup();
        if !survivors.is_empty() {
            return Err(StopError::Survivors { pair: ended.pair(), pids: survivors });
        }
        if ended.is_active() {
            return Err(StopError::Io(io::Error::other("it does not end")));
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
pub(super) fn windows_of(all: &[Stopping]) -> BTreeMap<PathBuf, Vec<usize>> {
    let mut windows: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (at, one) in all.iter().enumerate().filter(|(_, one)| one.goes_on() && one.part == StopPart::Window) {
        if let (Some(socket), Some(_)) = (&one.run.facts.socket, &one.run.progress.pane) {
            windows.entry(socket.clone()).or_default().push(at);
        }
    }
    windows
}

pub(super) fn guards<'a>(all: &'a [Stopping], places: &[usize]) -> Vec<(&'a str, &'a RunId)> {
    let pane = |at: &usize| Some((all[*at].run.progress.pane.as_deref()?, all[*at].run.id()));
    places.iter().filter_map(pane).collect()
}
