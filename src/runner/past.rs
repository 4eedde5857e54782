//! Which past runs are asked for, as every front end means it.

use crate::model::interval::Interval;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::run_state::EndState;
use crate::runner::failure::Failure;
use crate::runner::project::{NameLookupError, Project};
use crate::runner::refresh;
use crate::runner::store::Store;
use crate::system::clock;
use crate::system::store::index::HistoryFilter;
use crate::tasks::FindError;

/// So many are shown where nobody says how many.
pub const LIMIT: u32 = 50;

/// What was asked for; a field without a value asks for all.
#[derive(Clone, Debug, Default)]
pub struct Past {
    pub mode: Option<String>,
    pub task: Option<String>,
    /// Those that ended in the last so long.
    pub since: Option<Interval>,
    /// Those that ended so.
    pub outcome: Option<EndState>,
    /// Without the first so many.
    pub skip: u32,
    pub limit: Option<u32>,
}

impl Past {
    /// Fails where the mode or the task is neither part of the project nor of any run on record: then there is
    /// nothing that the answer could be about.
    pub fn check_names(&self, project: &Project, store: Option<&Store>) -> Result<(), Failure> {
        let ran = |past: Self, is_meant: &dyn Fn(&Pair) -> bool| -> Result<bool, Failure> {
            let Some(store) = store else { return Ok(false) };
            let active = refresh::all(store)?.runs.iter().any(|run| is_meant(&run.pair()));
            let past = Self { limit: Some(1), ..past };
            Ok(active || !store.history(&past.filter()?)?.runs.is_empty())
        };
        if let Some(mode) = &self.mode
            && let Err(unknown) = project.mode(mode)
            && !ran(Self { mode: Some(mode.clone()), ..Self::default() }, &|pair| pair.mode.as_str() == mode)?
        {
            return Err(unknown.into());
        }
        if let Some(task) = &self.task
            && let Err(unknown) = project.tasks().find(task)
            && !ran(Self { task: Some(task.clone()), ..Self::default() }, &|pair| pair.task.as_str() == task)?
        {
            return Err(unknown.into());
        }
        Ok(())
    }

    /// As the index is asked, from now on back. Names of the past may be gone from the manifest:
    /// only their form is checked.
    pub fn filter(self) -> Result<HistoryFilter, Failure> {
        if let Some(mode) = &self.mode {
            ModeName::parse(mode).map_err(NameLookupError::InvalidMode)?;
        }
        if let Some(task) = &self.task {
            TaskId::parse(task).map_err(FindError::InvalidName)?;
        }
        let since_ms = self.since.map(|since| {
            let ms = i64::try_from(since.as_duration().as_millis()).unwrap_or(i64::MAX);
            clock::now().as_millisecond().saturating_sub(ms)
        });
        let limit = Some(self.limit.unwrap_or(LIMIT));
        let Self { mode, task, outcome, skip, .. } = self;
        Ok(HistoryFilter { mode, task, since_ms, outcome, skip, limit })
    }
}
