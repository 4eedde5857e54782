//! The handle on one state folder, for commands with or without a manifest. Must not observe, judge or start runs.

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
use crate::store::index::{HistoryFilter, HistoryPage, Index, IndexError, NamesOnRecord, Totals};
use crate::store::run_folder::RunFolder;
use crate::store::state_dir::{StateDir, StateDirError};

/// The path and open index of a state folder, this machine's identity, and the command's settings.
#[derive(Clone, Debug)]
pub struct Store {
    state: StateDir,
    host_boot: HostBoot,
    /// The open index while it is not in use: a command queries it several times.
    spare: Arc<Mutex<Option<Index>>>,
    pub(crate) day_limit: DayLimit,
    pub terminal: TerminalPreference,
    /// How long to wait for a tmux server.
    pub(crate) tmux_patience: TmuxPatience,
}

/// The preferred terminal, and the folder that its program is relative to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminalPreference {
    pub terminal: Terminal,
    pub folder: PathBuf,
}

/// The cost limit of a day, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum DayLimit {
    /// No manifest was read: the limit in the queued run's spec applies.
    AsQueued,
    /// The manifest's limit, which also applies to runs queued before it changed.
    Now(Option<f64>),
}

/// An open index; dropping it returns it to the store.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    index: Option<Index>,
    store: &'a Store,
}

/// Observed runs, and messages for the user about damaged records.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub runs: Vec<Run>,
    pub notices: Vec<String>,
}

impl Store {
    /// `None` if nothing was ever run. Creates no folder.
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

    /// For a front end that only shows runs: a tmux server that does not answer must not delay it.
    #[must_use]
    pub fn to_show(self) -> Self {
        Self { tmux_patience: TmuxPatience::to_show(), ..self }
    }

    /// The day's limit for a run whose spec has the limit `queued`.
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

    /// Closes the cached connection: a command that rebuilds the index waits until all connections are closed.
    pub fn close_index(&self) {
        self.spare().take();
    }

    fn spare(&self) -> MutexGuard<'_, Option<Index>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queries the index. If it is damaged, rebuilds it and queries it again.
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

    /// Ended runs, the last to end first, and messages for the user about what opening the index repaired.
    pub fn past_page(&self, filter: &HistoryFilter) -> Result<(HistoryPage, Vec<String>), IndexError> {
        self.with_index(|index| Ok((index.past_page(filter)?, index.notices().to_vec())))
    }

    pub fn names_on_record(&self) -> Result<NamesOnRecord, IndexError> {
        self.with_index(Index::names_on_record)
    }

    /// Totals of all ended runs on record.
    pub fn totals(&self) -> Result<Totals, IndexError> {
        self.with_index(Index::totals)
    }

    /// The last ended run of each pair, the last to end first.
    pub fn last_ended(&self, limit: u32) -> Result<Vec<Run>, IndexError> {
        self.with_index(|index| index.last_ended(limit))
    }

    /// Writes an end unless one is recorded. Returns the recorded end.
    pub(crate) fn write_end(&self, folder: &RunFolder, end: &ExitRecord) -> std::io::Result<ExitRecord> {
        // Remove an environment file that no agent has taken.
        if let Ok(spec) = folder.read_spec() {
            folder.withdraw_environment(&spec);
            if spec.kind.engine().is_some() {
                folder.forget_taken_environment();
            }
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
