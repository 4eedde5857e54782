//! The runs of one state folder: what every command needs, with or without a manifest.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::exit_record::ExitRecord;
use crate::model::process_id::World;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::terminal::Terminal;
use crate::runner::early::Early;
use crate::runner::tmux_patience::TmuxPatience;
use crate::system::process;
use crate::system::store::index::{HistoryFilter, Index, IndexError, Totals};
use crate::system::store::run_folder::RunFolder;
use crate::system::store::state_dir::{StateDir, StateDirError};
use crate::system::tmux::{PendingListing, WarmClient};

/// A state folder that is there, and the world it is looked at from.
#[derive(Clone, Debug)]
pub struct Store {
    state: StateDir,
    world: World,
    /// An index that was opened and is not in use: a command asks it several times.
    spare: Arc<Mutex<Option<Index>>>,
    /// tmux clients that were started ahead of their use.
    ahead: Arc<Mutex<Ahead>>,
    day: DayLimit,
    wish: Wish,
    patience: TmuxPatience,
}

/// The terminal that is wished for, and the folder that its program is relative to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    pub terminal: Terminal,
    pub folder: PathBuf,
}

/// See [`Store::with_early`] and [`Store::with_ready`].
#[derive(Debug, Default)]
struct Ahead {
    listing: Option<(PathBuf, PendingListing)>,
    ready: Option<WarmClient>,
}

/// What a day may cost, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
enum DayLimit {
    /// No manifest was read: a queued run's own record says it.
    AsQueued,
    /// By the manifest as it is now.
    Now(Option<f64>),
}

/// An open index, given back for the next question when it is dropped.
#[derive(Debug)]
pub(crate) struct Lent<'a> {
    index: Option<Index>,
    store: &'a Store,
}

/// What a look brought: the runs, and what the user should hear of the records themselves.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub runs: Vec<Run>,
    pub notices: Vec<String>,
}

impl Store {
    /// `None` where nothing was ever run: looking makes no folder.
    pub fn find(path: &Path) -> Result<Option<Self>, StateDirError> {
        Ok(StateDir::find(path)?.filter(|state| state.runs().is_dir()).map(Self::over))
    }

    pub fn create(path: &Path) -> Result<Self, StateDirError> {
        StateDir::create(path).map(Self::over)
    }

    fn over(state: StateDir) -> Self {
        let (spare, ahead, day) = (Arc::default(), Arc::default(), DayLimit::AsQueued);
        Self {
            state,
            world: process::world(),
            spare,
            ahead,
            day,
            wish: Wish::default(),
            patience: TmuxPatience::default(),
        }
    }

    /// The first look at all runs uses this answer of tmux, where it is of this folder.
    #[must_use]
    pub fn with_early(self, early: Option<Early>) -> Self {
        if let Some(Early { socket, asked, .. }) = early.filter(|early| early.state == self.state) {
            self.ahead().listing = Some((socket, asked));
        }
        self
    }

    /// The first window is made by this client.
    #[must_use]
    pub fn with_ready(self, ready: Option<WarmClient>) -> Self {
        self.ahead().ready = ready;
        self
    }

    pub(super) fn take_listing(&self) -> Option<(PathBuf, PendingListing)> {
        self.ahead().listing.take()
    }

    pub(super) fn take_ready(&self) -> Option<WarmClient> {
        self.ahead().ready.take()
    }

    fn ahead(&self) -> MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With the manifest's `budget.day`: who raises it means what waits already too.
    pub(crate) fn with_day_limit(self, day: Option<f64>) -> Self {
        Self { day: DayLimit::Now(day), ..self }
    }

    /// For a front end that shows runs and is not to be held up by a tmux that does not answer.
    #[must_use]
    pub fn to_show(self) -> Self {
        Self { patience: TmuxPatience::to_show(), ..self }
    }

    pub(super) fn patience(&self) -> TmuxPatience {
        self.patience.clone()
    }

    /// With the manifest's `terminal`, or another that is asked for.
    #[must_use]
    pub fn with_terminal(self, wish: Wish) -> Self {
        Self { wish, ..self }
    }

    pub(super) fn wish(&self) -> &Wish {
        &self.wish
    }

    /// What a day may cost, where a run was queued under `queued`.
    pub(crate) fn day_limit(&self, queued: Option<f64>) -> Option<f64> {
        match self.day {
            DayLimit::AsQueued => queued,
            DayLimit::Now(day) => day,
        }
    }

    pub fn state(&self) -> &StateDir {
        &self.state
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    pub fn folder(&self, id: &RunId) -> RunFolder {
        RunFolder::at(self.state.run(id))
    }

    pub(crate) fn index(&self) -> Result<Lent<'_>, IndexError> {
        let spare = self.spare().take();
        let index = match spare {
            Some(index) => index,
            None => Index::open(&self.state, &self.world.boot_id)?,
        };
        Ok(Lent { index: Some(index), store: self })
    }

    /// Closes what is open: nobody who has to rebuild the index should wait for one who sleeps.
    pub fn rest(&self) {
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
        self.rest();
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
        // Settings of the user's, which may hold secrets, are among what it was told.
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
