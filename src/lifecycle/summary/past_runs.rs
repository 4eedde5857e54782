//! A query of past runs, for all front ends.

use jiff::tz::TimeZone;

use crate::lifecycle::failure::Failure;
use crate::lifecycle::project::{NameLookupError, Project};
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::model::history_cursor::HistoryCursor;
use crate::model::interval::Interval;
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::run_state::EndState;
use crate::model::time_bound::TimeBound;
use crate::os::clock;
use crate::store::index::HistoryFilter;
use crate::tasks::FindError;

pub const LIMIT: u32 = 50;

/// A field that is `None` does not filter.
#[derive(Clone, Debug, Default)]
pub struct PastRuns {
    pub mode: Option<String>,
    pub task: Option<PastTasks>,
    pub agent: Option<String>,
    pub outcome: Option<EndState>,
    /// Words that must all occur in the reason of the end.
    pub text: String,
    /// Maximum time since the end.
    pub since: Option<Interval>,
    pub from: Option<TimeBound>,
    pub to: Option<TimeBound>,
    /// Only runs after this position.
    pub cursor: Option<HistoryCursor>,
    pub limit: Option<u32>,
}

/// The tasks whose runs are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastTasks {
    One(String),
    AnyOf(Vec<String>),
}

impl PastRuns {
    /// Fails if the mode or the task is neither in the project nor in any record.
    pub fn check_names(&self, project: &Project, store: Option<&Store>) -> Result<(), Failure> {
        let ran = |query: Self, is_meant: &dyn Fn(&Pair) -> bool| -> Result<bool, Failure> {
            let Some(store) = store else { return Ok(false) };
            let active = refresh::all(store)?.runs.iter().any(|run| is_meant(&run.pair()));
            let query = Self { limit: Some(1), ..query };
            Ok(active || !store.past_page(&query.filter(&TimeZone::UTC)?)?.0.runs.is_empty())
        };
        if let Some(mode) = &self.mode
            && let Err(unknown) = project.mode(mode)
            && !ran(Self { mode: Some(mode.clone()), ..Self::default() }, &|pair| pair.mode.as_str() == mode)?
        {
            return Err(unknown.into());
        }
        if let Some(PastTasks::One(task)) = &self.task
            && let Err(unknown) = project.tasks().find(task)
            && !ran(Self { task: self.task.clone(), ..Self::default() }, &|pair| pair.task.as_str() == task)?
        {
            return Err(unknown.into());
        }
        Ok(())
    }

    /// The filter for the index; `zone` has the days. Fails if a name is malformed; it need not be in the manifest any more.
    pub fn filter(self, zone: &TimeZone) -> Result<HistoryFilter, Failure> {
        if let Some(mode) = &self.mode {
            ModeName::parse(mode).map_err(NameLookupError::InvalidMode)?;
        }
        if let Some(PastTasks::One(task)) = &self.task {
            TaskId::parse(task).map_err(FindError::InvalidName)?;
        }
        let ago = self.since.map(|since| {
            let ms = i64::try_from(since.as_duration().as_millis()).unwrap_or(i64::MAX);
            clock::now().as_millisecond().saturating_sub(ms)
        });
        Ok(HistoryFilter {
            mode: self.mode,
            tasks: self.task.map(|task| match task {
                PastTasks::One(task) => vec![task],
                PastTasks::AnyOf(tasks) => tasks,
            }),
            agent: self.agent,
            outcome: self.outcome,
            words: self.text.to_lowercase().split_whitespace().map(str::to_owned).collect(),
            since_ms: ago.max(self.from.map(|from| from.start_ms(zone))),
            before_ms: self.to.map(|to| to.end_ms(zone)),
            after: self.cursor,
            limit: Some(self.limit.unwrap_or(LIMIT)),
        })
    }
}
