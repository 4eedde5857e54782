//! Figures of past runs: totals, each day's outcomes and costs, each mode's success and duration.
//! Input: ended runs in the order of the history, and the time zone of the days. Must not judge a run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::lifecycle::failure::Failure;
use crate::lifecycle::store::Store;
use crate::model::run_state::EndState;
use crate::model::time_bound::TimeBound;
use crate::store::index::{EndedRow, HistoryFilter};
use crate::view::past_view::TotalsView;

/// Days are counted one by one up to this number, from the day of the newest run backwards.
pub const DAYS: i32 = 60;

/// Numbers of runs by outcome, in the order of [`EndState::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeCounts([u64; EndState::ALL.len()]);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastFigures {
    pub outcomes: OutcomeCounts,
    pub millis: u64,
    pub cost_usd: f64,
    /// The oldest first, without gaps, at most [`DAYS`].
    pub days: Vec<DayFigures>,
    /// Whether there are older runs than those of `days`.
    pub has_older: bool,
    /// The mode with the most runs first.
    pub modes: Vec<ModeFigures>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DayFigures {
    pub day: Date,
    /// In milliseconds since 1970.
    pub start_ms: i64,
    pub end_ms: i64,
    pub outcomes: OutcomeCounts,
    /// In USD, by mode; without modes that cost nothing.
    pub cost: BTreeMap<String, f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ModeFigures {
    pub mode: String,
    pub outcomes: OutcomeCounts,
    /// Of the runs whose agent was started.
    pub median_millis: Option<u64>,
}

impl OutcomeCounts {
    pub fn of(&self, state: EndState) -> u64 {
        self.iter().find(|(known, _)| *known == state).map_or(0, |(_, count)| count)
    }

    pub fn iter(&self) -> impl Iterator<Item = (EndState, u64)> {
        EndState::ALL.into_iter().zip(self.0)
    }

    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The share of successes, from 0 to 1, among the runs that were not stopped on request; `None` if there are none.
    pub fn success_rate(&self) -> Option<f64> {
        let judged = self.total() - self.of(EndState::Stopped);
        (judged > 0).then(|| self.of(EndState::Succeeded) as f64 / judged as f64)
    }

    pub fn add(&mut self, state: EndState) {
        if let Some(at) = EndState::ALL.iter().position(|known| *known == state) {
            self.0[at] += 1;
        }
    }
}

impl PastFigures {
    pub fn totals(&self) -> TotalsView {
        TotalsView {
            runs: self.outcomes.total(),
            outcomes: self.outcomes.iter().map(|(state, count)| (state.as_str(), count)).collect(),
            duration_ms: self.millis,
            cost_usd: self.cost_usd,
        }
    }

    /// Of all runs that the filter selects, whatever page it asks for. Fails if the index cannot be read.
    pub fn read(store: &Store, filter: &HistoryFilter, zone: &TimeZone) -> Result<Self, Failure> {
        let figures = store.with_index(|index| {
            let mut counter = Counter::new(zone);
            index.each_ended(filter, &mut |row| counter.add(row))?;
            Ok(counter.figures())
        })?;
        Ok(figures)
    }
}

/// Adds up runs, the last to end first.
#[derive(Debug)]
struct Counter<'a> {
    zone: &'a TimeZone,
    figures: PastFigures,
    /// The newest first.
    days: Vec<DayFigures>,
    /// The day of the last run that was added, from its first millisecond on.
    current: Option<(Date, i64)>,
    modes: BTreeMap<String, (OutcomeCounts, Vec<u64>)>,
}

impl<'a> Counter<'a> {
    fn new(zone: &'a TimeZone) -> Self {
        Self { zone, figures: PastFigures::default(), days: Vec::new(), current: None, modes: BTreeMap::new() }
    }

    fn add(&mut self, row: EndedRow<'_>) {
        let cost = row.cost_usd.filter(|cost| cost.is_finite() && *cost > 0.0).unwrap_or(0.0);
        self.figures.outcomes.add(row.state);
        self.figures.millis = self.figures.millis.saturating_add(row.millis.unwrap_or(0));
        self.figures.cost_usd += cost;
        if !self.modes.contains_key(row.mode) {
            self.modes.insert(row.mode.to_owned(), Default::default());
        }
        if let Some((outcomes, millis)) = self.modes.get_mut(row.mode) {
            outcomes.add(row.state);
            millis.extend(row.millis);
        }
        match self.day(row.ended_ms) {
            Some(day) => {
                day.outcomes.add(row.state);
                if cost > 0.0 {
                    *day.cost.entry(row.mode.to_owned()).or_default() += cost;
                }
            }
            None => self.figures.has_older = true,
        }
    }

    /// The figures of the day of this time; `None` if it is too old.
    fn day(&mut self, ended_ms: i64) -> Option<&mut DayFigures> {
        let date = match self.current {
            Some((date, start)) if ended_ms >= start => date,
            _ => {
                let at = Timestamp::from_millisecond(ended_ms).ok()?;
                let date = at.to_zoned(self.zone.clone()).date();
                self.current = Some((date, TimeBound::Day(date).start_ms(self.zone)));
                date
            }
        };
        if self.days.is_empty() {
            self.days.push(DayFigures::empty(date, self.zone));
        }
        while let Some(last) = self.days.last().map(|last| last.day).filter(|last| *last > date) {
            if self.days.len() >= DAYS as usize {
                return None;
            }
            self.days.push(DayFigures::empty(last.yesterday().ok()?, self.zone));
        }
        self.days.last_mut()
    }

    fn figures(mut self) -> PastFigures {
        self.days.reverse();
        let modes = self.modes.into_iter();
        let mut modes: Vec<ModeFigures> = modes
            .map(|(mode, (outcomes, mut millis))| ModeFigures { mode, outcomes, median_millis: median(&mut millis) })
            .collect();
        modes.sort_by_key(|figures| std::cmp::Reverse(figures.outcomes.total()));
        PastFigures { days: self.days, modes, ..self.figures }
    }
}

impl DayFigures {
    fn empty(day: Date, zone: &TimeZone) -> Self {
        let bound = TimeBound::Day(day);
        let (start_ms, end_ms) = (bound.start_ms(zone), bound.end_ms(zone));
        Self { day, start_ms, end_ms, outcomes: OutcomeCounts::default(), cost: BTreeMap::new() }
    }
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &mut [u64]) -> Option<u64> {
    values.sort_unstable();
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    let lower = if values.len().is_multiple_of(2) { values[middle - 1] } else { upper };
    Some(lower + (upper - lower) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn row(ended_ms: i64, mode: &str, state: EndState) -> EndedRow<'_> {
        EndedRow { ended_ms, mode, task: "t", agent: None, state, millis: Some(1000), cost_usd: Some(0.5) }
    }

    fn count(rows: &[EndedRow<'_>]) -> PastFigures {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let mut counter = Counter::new(&zone);
        rows.iter().for_each(|row| counter.add(*row));
        counter.figures()
    }

    #[test]
    fn days_are_local_and_without_gaps() {
        let figures = count(&[
            row(3 * DAY - 3_600_000, "a", EndState::Succeeded),
            row(3 * DAY - 3_600_001, "b", EndState::Failed),
            row(1, "a", EndState::Stopped),
        ]);
        let days: Vec<(String, u64)> =
            figures.days.iter().map(|day| (day.day.to_string(), day.outcomes.total())).collect();
        let expected = [("1970-01-01", 1), ("1970-01-02", 0), ("1970-01-03", 1), ("1970-01-04", 1)];
        assert_eq!(days, expected.map(|(day, runs)| (day.to_owned(), runs)));
        assert_eq!(figures.days[2].cost, BTreeMap::from([("b".to_owned(), 0.5)]));
        assert_eq!(
            (figures.outcomes.total(), figures.millis, figures.cost_usd, figures.has_older),
            (3, 3000, 1.5, false)
        );
    }

    #[test]
    fn runs_before_the_last_days_count_in_the_totals_alone() {
        let figures = count(&[row(100 * DAY, "a", EndState::Lost), row(0, "a", EndState::Lost)]);
        assert_eq!((figures.days.len(), figures.has_older, figures.outcomes.of(EndState::Lost)), (60, true, 2));
        assert_eq!(figures.days.iter().map(|day| day.outcomes.total()).sum::<u64>(), 1);
    }

    #[test]
    fn stops_and_runs_that_never_started_do_not_count_against_a_mode() {
        let never = EndedRow { millis: None, cost_usd: Some(f64::NAN), ..row(0, "a", EndState::DependencyFailed) };
        let rows =
            [row(9, "a", EndState::Succeeded), row(8, "a", EndState::Stopped), never, row(0, "b", EndState::Stopped)];
        let figures = count(&rows);
        assert_eq!(figures.modes[0].outcomes.success_rate(), Some(0.5));
        assert_eq!(figures.modes[0].median_millis, Some(1000));
        assert_eq!((figures.modes[1].outcomes.success_rate(), figures.cost_usd), (None, 1.5));
    }

    #[test]
    fn a_median_lies_in_the_middle() {
        for (values, expected) in [
            (&mut [][..], None),
            (&mut [7][..], Some(7)),
            (&mut [9, 1, 4], Some(4)),
            (&mut [u64::MAX, 1], Some(1 + (u64::MAX - 1) / 2)),
        ] {
            assert_eq!(median(values), expected);
        }
    }
}
