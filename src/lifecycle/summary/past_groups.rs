//! Figures of past runs, grouped by day, mode, task or agent. Input: ended runs in the order of the history, and the
//! time zone of the days.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::lifecycle::failure::Failure;
use crate::lifecycle::store::Store;
use crate::lifecycle::summary::past_figures::OutcomeCounts;
use crate::store::index::{EndedRow, HistoryFilter};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PastGrouping {
    Day,
    Mode,
    Task,
    Agent,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupFigures {
    pub outcomes: OutcomeCounts,
    /// Sum over the runs whose agent was started.
    pub millis: u64,
    /// In USD.
    pub cost_usd: f64,
}

/// The groups of all runs that the filter selects, with their names: days with the newest first, others with the most
/// runs first. An agent without a name is that of a run that an older version recorded. Fails if the index cannot be
/// read.
pub fn read(
    store: &Store,
    filter: &HistoryFilter,
    zone: &TimeZone,
    by: PastGrouping,
) -> Result<Vec<(Option<String>, GroupFigures)>, Failure> {
    let groups = store.with_index(|index| {
        let mut groups = BTreeMap::<Option<String>, GroupFigures>::new();
        index.each_ended(filter, &mut |row| groups.entry(name(by, &row, zone)).or_default().add(row))?;
        Ok(groups)
    })?;
    Ok(sorted(by, groups))
}

fn name(by: PastGrouping, row: &EndedRow<'_>, zone: &TimeZone) -> Option<String> {
    match by {
        PastGrouping::Mode => Some(row.mode.to_owned()),
        PastGrouping::Task => Some(row.task.to_owned()),
        PastGrouping::Agent => row.agent.map(str::to_owned),
        PastGrouping::Day => {
            let ended = Timestamp::from_millisecond(row.ended_ms).ok()?;
            Some(ended.to_zoned(zone.clone()).date().to_string())
        }
    }
}

fn sorted(by: PastGrouping, groups: BTreeMap<Option<String>, GroupFigures>) -> Vec<(Option<String>, GroupFigures)> {
    let mut groups: Vec<_> = groups.into_iter().collect();
    match by {
        PastGrouping::Day => groups.reverse(),
        PastGrouping::Mode | PastGrouping::Task | PastGrouping::Agent => {
            groups.sort_by_key(|(_, figures)| std::cmp::Reverse(figures.outcomes.total()));
        }
    }
    groups
}

impl GroupFigures {
    fn add(&mut self, row: EndedRow<'_>) {
        self.outcomes.add(row.state);
        self.millis = self.millis.saturating_add(row.millis.unwrap_or(0));
        self.cost_usd += row.cost_usd.filter(|cost| cost.is_finite() && *cost > 0.0).unwrap_or(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run_state::EndState;

    #[test]
    fn days_come_newest_first_and_others_by_their_runs() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let day = 86_400_000;
        let row = |ended_ms, task, agent, state| EndedRow {
            ended_ms,
            mode: "m",
            task,
            agent,
            state,
            millis: Some(1000),
            cost_usd: Some(0.5),
        };
        // The first one ends an hour before midnight in UTC, so on the next day here.
        let rows = [
            row(2 * day - 3_600_000, "b", Some("x"), EndState::Succeeded),
            row(1, "b", None, EndState::Failed),
            row(0, "a", Some("x"), EndState::Stopped),
        ];
        let names = |by| {
            let mut groups = BTreeMap::<Option<String>, GroupFigures>::new();
            rows.iter().for_each(|row| groups.entry(name(by, row, &zone)).or_default().add(*row));
            let groups = sorted(by, groups).into_iter();
            groups.map(|(name, figures)| (name.unwrap_or_default(), figures.outcomes.total())).collect::<Vec<_>>()
        };
        let is = |by, expected: [(&str, u64); 2]| assert_eq!(names(by), expected.map(|(n, c)| (n.to_owned(), c)));
        is(PastGrouping::Day, [("1970-01-03", 1), ("1970-01-01", 2)]);
        is(PastGrouping::Task, [("b", 2), ("a", 1)]);
        is(PastGrouping::Agent, [("x", 2), ("", 1)]);
        assert_eq!(names(PastGrouping::Mode), [("m".to_owned(), 3)]);
    }
}
