//! The handle on one state folder, which every command needs, with or without a manifest. Data only: what
//! observes, ends or starts runs is in modules of its own.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::lifecycle::observe::tmux_patience::TmuxPatience;
use crate::model::exit_record::ExitRecord;
use crate::model::process_id::HostBoot;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::terminal::Terminal;
use crate::os::process;
use crate::store::index::{HistoryFilter, Index, IndexError, Totals};
use crate::store::run_folder::RunFolder;
use crate::store::state_dir::{StateDir, StateDirError};

/// The handle on one state folder: its path, its index, the machine that looks, and what the command wants.
#[derive(Clone, Debug)]
pub struct Store {
    state: StateDir,
    host_boot: HostBoot,
    /// An index that was opened and is not in use: a command asks it several times.
    spare: Arc<Mutex<Option<Index>>>,
    pub(crate) day_limit: DayLimit,
    pub terminal: TerminalPreference,
    /// How long each tmux server is waited for.
    pub(crate) tmux_patience: TmuxPatience,
}

/// The terminal that is preferred, and the folder that its program is relative to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminalPreference {
    pub terminal: Terminal,
    pub folder: PathBuf,
}

/// What a day may cost, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DayLimit {
    /// No manifest was read: a queued run's own record says it.
    AsQueued,
    /// By the manifest as it is now: raising it counts for runs that wait already.
    Now(Option<f64>),
}

/// An open index, given back for the next question when it is dropped.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    index: Option<Index>,
    store: &'a Store,
}

/// The runs as they are, and what the user should hear of the records themselves.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub runs: Vec<Run>,
    pub notices: Vec<String>,
}

impl Store {
    /// `None` where nothing was ever run: looking makes no folder.
    pub fn find(path: &Path) -> Result<Option<Self>, StateDirError> {
        Ok(StateDir::find(path)?.filter(|state| state.runs_folder().is_dir()).map(Self::over))
    }

    pub fn create(path: &Path) -> Result<Self, StateDirError> {
        StateDir::create(path).map(Self::over)
    }

    fn over(state: StateDir) -> Self {
        Self {
            state,
            host_boot: process::host_boot(),
            spare: Arc::default(),
            day_limit: DayLimit::AsQueued,
            terminal: TerminalPreference::default(),
            tmux_patience: TmuxPatience::default(),
        }
    }

    /// For a front end that shows runs and is not to be held up by a tmux that does not answer.
    #[must_use]
    pub fn to_show(self) -> Self {
        Self { tmux_patience: TmuxPatience::to_show(), ..self }
    }

    /// What a day may cost, where a run was queued under `queued`.
    pub(crate) fn day_limit_of(&self, queued: Option<f64>) -> Option<f64> {
        match self.day_limit {
            DayLimit::AsQueued => queued,
            DayLimit::Now(day) => day,
        }
    }

    pub fn state(&self) -> &StateDir {
        &self.state
    }

    pub fn host_boot(&self) -> &HostBoot {
        &self.host_boot
    }

    pub fn folder(&self, id: &RunId) -> RunFolder {
        RunFolder::at(self.state.run(id))
    }

    pub(crate) fn index(&self) -> Result<Lent<'_>, IndexError> {
        let spare = self.spare().take();
        let index = match spare {
            Some(index) => index,
            None => Index::open(&self.state, &self.host_boot.boot_id)?,
        };
        Ok(Lent { index: Some(index), store: self })
    }

    /// Closes the cached connection: a command that has to rebuild the index waits for all that have it open.
    pub fn close_index(&self) {
        self.spare().take();
    }

    fn spare(&self) -> MutexGuard<'_, Option<Index>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the index; one that turns out damaged on the way is rebuilt and asked again.
    pub(crate) fn with_index<T>(&self, ask: impl Fn(&Index) -> Result<T, IndexError>) -> Result<T, IndexError> {
        let mut lent = self.index()?;
        let error = match ask(&lent) {
            Err(error) if error.is_damage() => error,
            answered => return answered,
        };
        lent.index.take();
        drop(lent);
        self.close_index();
        Index::set_aside(&self.state, &error)?;
        ask(&*self.index()?)
    }

    /// Ended runs, the last to end first.
    pub fn history(&self, filter: &HistoryFilter) -> Result<Observed, IndexError> {
        self.with_index(|index| Ok(Observed { runs: index.history(filter)?, notices: index.notices().to_vec() }))
    }

    /// All ended runs on record, together.
    pub fn totals(&self) -> Result<Totals, IndexError> {
        self.with_index(Index::totals)
    }

    /// The last run of each pair, of those that ended, the last to end first.
    pub fn last_ended(&self, limit: u32) -> Result<Vec<Run>, IndexError> {
        self.with_index(|index| index.last_ended(limit))
    }

    /// Writes an end that was seen, unless it is written already. Returns the one that stands.
    pub(crate) fn write_end(&self, folder: &RunFolder, end: &ExitRecord) -> std::io::Result<ExitRecord> {
        // A run that is over needs no environment any more; one that started took it.
        if let Ok(spec) = folder.read_spec() {
            folder.withdraw_environment(&spec);
        }
        // The agent's settings may hold the user's secrets.
        folder.forget_settings();
        folder.write_exit(end)?;
        Ok(folder.read_exit().ok().flatten().unwrap_or_else(|| end.clone()))
    }
}

impl Deref for Lent<'_> {
    type Target = Index;

    fn deref(&self) -> &Index {
        self.index.as_ref().expect("it is taken out only to be dropped")
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(index) = self.index.take() {
            *self.store.spare() = Some(index);
        }
    }
}
