//! Queries of the server beyond the snapshot: views of runs, past runs, and metrics.

use std::time::Duration;

use crate::lifecycle::failure::Failure;
use crate::lifecycle::project::show;
use crate::lifecycle::project::{Depth, Project};
use crate::lifecycle::reconcile::held;
use crate::lifecycle::reconcile::held::Held;
use crate::lifecycle::summary::past_figures::PastFigures;
use crate::lifecycle::summary::past_runs::PastRuns;
use crate::model::run::Run;
use crate::model::run_state::RunState;
use crate::os::clock;
use crate::snapshot::{Live, LiveState, project_print, state_times};
use crate::store::index::{HistoryPage, IndexError, NamesOnRecord};
use crate::view::run_view::RunView;

/// The values of the metrics.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Active runs.
    pub by_state: Vec<(&'static str, usize)>,
    /// Queued runs, by what they wait for.
    pub by_reason: Vec<(&'static str, usize)>,
    /// Recorded ended runs: number, total duration, cost in USD.
    pub ended: u64,
    pub ended_seconds: f64,
    pub cost_usd: f64,
    /// Observations of all runs: number and total duration.
    pub observations: u64,
    pub observation_seconds: f64,
}

impl Live {
    pub fn view(&self, run: &Run) -> RunView {
        let mut view = RunView::new(run, clock::now());
        // A run that was read outside an observation does not know when its state began.
        if run.is_active() && run.progress.state_since.is_none() {
            let snapshot = self.shared.current().clone();
            let known = snapshot.as_ref().and_then(|snapshot| snapshot.active_of(&run.pair()));
            if let Some(known) = known.filter(|known| known.id() == run.id() && state_times::is_same_state(known, run))
            {
                view.since = known.since();
            }
        }
        view
    }

    /// The runs of `status --json`.
    pub fn overview(&self, all: bool) -> Result<Vec<RunView>, IndexError> {
        let runs = self.runs(all)?;
        let held = self.shared.held(&runs);
        let now = clock::now();
        let snapshot = self.snapshot()?;
        let positions = snapshot.positions();
        let view = |run: &Run| RunView { position: positions.get(run.id()).copied(), ..show::run(run, &held, now) };
        Ok(runs.iter().map(view).collect())
    }

    /// Past runs, the last to end first. Fails if a name is malformed.
    pub fn past(&self, query: PastRuns) -> Result<HistoryPage, Failure> {
        let found = self.past_with_open_index(query);
        self.store().close_index();
        found
    }

    /// As [`Self::past`], for several queries: the caller closes the index.
    pub(super) fn past_with_open_index(&self, query: PastRuns) -> Result<HistoryPage, Failure> {
        let filter = query.filter(&clock::local_zone())?;
        // An observation records ends first, so that runs that ended unobserved are included.
        self.snapshot()?;
        Ok(self.store().past_page(&filter)?.0)
    }

    /// The figures of all past runs that the query selects, whatever its page. Fails as [`Self::past`].
    pub fn past_figures(&self, query: PastRuns) -> Result<PastFigures, Failure> {
        let zone = clock::local_zone();
        let filter = query.filter(&zone)?;
        self.snapshot()?;
        let figures = PastFigures::read(self.store(), &filter, &zone);
        self.store().close_index();
        figures
    }

    pub fn names_on_record(&self) -> Result<NamesOnRecord, IndexError> {
        let names = self.store().names_on_record();
        self.store().close_index();
        names
    }

    pub fn figures(&self) -> Result<Figures, IndexError> {
        let snapshot = self.snapshot()?;
        let totals = self.store().totals();
        self.store().close_index();
        let totals = totals?;
        let (observations, spent) = self.observations();
        let mut figures = Figures {
            ended: totals.runs,
            ended_seconds: Duration::from_millis(totals.millis).as_secs_f64(),
            cost_usd: totals.cost_usd,
            observations,
            observation_seconds: spent.as_secs_f64(),
            ..Figures::default()
        };
        for run in &snapshot.active {
            count(&mut figures.by_state, run.state.as_str());
            if let RunState::Queued(waiting_for) = &run.state {
                count(&mut figures.by_reason, waiting_for.as_str());
            }
        }
        Ok(figures)
    }
}

impl LiveState {
    /// The ended runs that `up --watch` does not restart; empty while the manifest cannot be read.
    pub(super) fn held(&self, runs: &[Run]) -> Held {
        if runs.iter().all(Run::is_active) {
            return Held::new();
        }
        let find = || {
            let project = Project::open(&self.location, Depth::Shape).ok()?;
            held::held(&project, &self.store, runs).ok()
        };
        // In a thread with a large stack, which the parsers need.
        let found = std::thread::scope(|scope| {
            let builder = std::thread::Builder::new().name("held".to_owned()).stack_size(project_print::STACK);
            builder.spawn_scoped(scope, find).ok().and_then(|thread| thread.join().ok())
        });
        self.store.close_index();
        found.flatten().unwrap_or_default()
    }
}

fn count(rows: &mut Vec<(&'static str, usize)>, name: &'static str) {
    match rows.iter_mut().find(|(known, _)| *known == name) {
        Some((_, count)) => *count += 1,
        None => rows.push((name, 1)),
    }
}
