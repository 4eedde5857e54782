//! The charts of the history: runs of each day by outcome, each mode's success and duration, cost of each day by mode.
//! Input: figures of the runs that the page's filters select. Each bar and each cell of a table links to its runs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::lifecycle::summary::past_figures::{DAYS, DayFigures, ModeFigures, PastFigures};
use crate::model::run_state::EndState;
use crate::model::time_bound::TimeBound;
use crate::serve::past_query::HistoryQuery;
use crate::serve::ui::chart::{BarRow, Column, ColumnPart, Drawing};
use crate::view::amounts;

/// Modes with a colour of their own; the others share one.
const COLOURS: usize = 6;
/// Modes in the drawing, and in the table beside it.
const DRAWN: usize = 6;
const LISTED: usize = 100;

/// A drawing, its legend, and its figures as a table.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    key: &'static str,
    title: &'static str,
    note: String,
    drawing: Drawing,
    legend: Vec<LegendEntry>,
    heads: Vec<String>,
    rows: Vec<FigureRow>,
}

#[derive(Debug, Serialize)]
struct LegendEntry {
    class: String,
    name: String,
}

#[derive(Debug, Serialize)]
struct FigureRow {
    name: String,
    link: String,
    cells: Vec<FigureCell>,
}

#[derive(Debug, Serialize)]
struct FigureCell {
    text: String,
    /// Empty: no link.
    link: String,
}

/// Links to the rows of a bar: the page's filters with some replaced.
#[derive(Debug)]
struct Links<'a>(&'a HistoryQuery);

impl Links<'_> {
    fn with(&self, changes: &[(&'static str, &str)]) -> String {
        format!("/history?{}", self.0.address(changes))
    }

    /// The runs of a day that the page selects: a bound within the day stays.
    fn day(&self, day: &DayFigures, more: &[(&'static str, &str)]) -> String {
        let moment = |text: &str| match TimeBound::parse(text) {
            Some(TimeBound::Moment(at)) => Some(at.as_millisecond()),
            _ => None,
        };
        let date = day.day.to_string();
        let starts_later = moment(&self.0.from).is_some_and(|from| from > day.start_ms);
        let ends_earlier = moment(&self.0.to).is_some_and(|to| to < day.end_ms);
        let from = if starts_later { self.0.from.as_str() } else { date.as_str() };
        let to = if ends_earlier { self.0.to.as_str() } else { date.as_str() };
        let bounds = [("from", from), ("to", to)];
        self.with(&bounds.iter().chain(more).copied().collect::<Vec<_>>())
    }
}

/// Nothing where nothing is selected.
pub(super) fn charts(figures: &PastFigures, query: &HistoryQuery, day_budget: Option<f64>) -> Vec<Chart> {
    if figures.outcomes.total() == 0 {
        return Vec::new();
    }
    let links = Links(query);
    let mut charts = vec![outcomes(figures, &links), modes(figures, &links)];
    charts.extend(costs(figures, &links, day_budget));
    charts
}

fn words(state: EndState) -> String {
    state.as_str().replace('_', " ")
}

fn plural(count: u64) -> String {
    format!("{count} run{}", if count == 1 { "" } else { "s" })
}

fn period(figures: &PastFigures) -> String {
    if figures.has_older { format!("the last {DAYS} days of what is selected") } else { String::new() }
}

fn outcomes(figures: &PastFigures, links: &Links<'_>) -> Chart {
    let shown: Vec<EndState> = EndState::ALL.into_iter().filter(|state| figures.outcomes.of(*state) > 0).collect();
    let column = |day: &DayFigures| Column {
        name: day.day.to_string(),
        says: format!("{}: {}", day.day, plural(day.outcomes.total())),
        link: links.day(day, &[]),
        segments: day
            .outcomes
            .iter()
            .map(|(state, count)| ColumnPart {
                value: count as f64,
                class: format!("o-{}", state.as_str()),
                says: format!("{}: {count} {}", day.day, words(state)),
                link: links.day(day, &[("outcome", state.as_str())]),
            })
            .collect(),
    };
    let row = |day: &DayFigures| FigureRow {
        name: day.day.to_string(),
        link: links.day(day, &[]),
        cells: std::iter::once(FigureCell { text: day.outcomes.total().to_string(), link: links.day(day, &[]) })
            .chain(shown.iter().map(|state| match day.outcomes.of(*state) {
                0 => FigureCell { text: "0".to_owned(), link: String::new() },
                count => FigureCell { text: count.to_string(), link: links.day(day, &[("outcome", state.as_str())]) },
            }))
            .collect(),
    };
    let columns: Vec<Column> = figures.days.iter().map(column).collect();
    Chart {
        key: "outcomes",
        title: "Runs per day",
        note: period(figures),
        drawing: Drawing::columns(&columns, None, |runs| runs.to_string()),
        legend: shown
            .iter()
            .map(|state| LegendEntry { class: format!("o-{}", state.as_str()), name: words(*state) })
            .collect(),
        heads: ["Day".to_owned(), "Runs".to_owned()].into_iter().chain(shown.iter().map(|s| words(*s))).collect(),
        rows: figures.days.iter().rev().filter(|day| day.outcomes.total() > 0).map(row).collect(),
    }
}

fn percent(share: f64) -> String {
    // Only what is complete is written as such.
    let percent = if share < 1.0 { (share * 100.0).round().min(99.0) } else { 100.0 };
    format!("{percent}%")
}

fn modes(figures: &PastFigures, links: &Links<'_>) -> Chart {
    let link = |mode: &ModeFigures| links.with(&[("mode", &mode.mode)]);
    let rate = |mode: &ModeFigures| mode.outcomes.success_rate();
    let bar = |mode: &ModeFigures| {
        let rate = rate(mode);
        let median = mode.median_millis.map(|millis| (millis as f64, amounts::duration(millis)));
        let success = rate.map_or("none judged".to_owned(), |rate| format!("{} succeeded", percent(rate)));
        let took = median.as_ref().map_or(String::new(), |(_, text)| format!(", median {text}"));
        BarRow {
            name: mode.mode.clone(),
            says: format!("{}: {}, {success}{took}", mode.mode, plural(mode.outcomes.total())),
            link: link(mode),
            share: rate.map(|rate| (rate, percent(rate))),
            length: median,
        }
    };
    let row = |mode: &ModeFigures| FigureRow {
        name: mode.mode.clone(),
        link: link(mode),
        cells: vec![
            FigureCell { text: mode.outcomes.total().to_string(), link: link(mode) },
            FigureCell {
                text: rate(mode).map(percent).unwrap_or_default(),
                link: links.with(&[("mode", &mode.mode), ("outcome", EndState::Succeeded.as_str())]),
            },
            FigureCell { text: mode.median_millis.map(amounts::duration).unwrap_or_default(), link: String::new() },
        ],
    };
    let bars: Vec<BarRow> = figures.modes.iter().take(DRAWN).map(bar).collect();
    let more = figures.modes.len().saturating_sub(DRAWN);
    let note =
        if more > 0 { format!("the {DRAWN} with the most runs; {more} more in the table") } else { String::new() };
    Chart {
        key: "modes",
        title: "Success and median duration per mode",
        note,
        drawing: Drawing::rows(["succeeded", "median"], &bars),
        legend: Vec::new(),
        heads: ["Mode", "Runs", "Succeeded, of those not stopped", "Median duration"].map(str::to_owned).into(),
        rows: figures.modes.iter().take(LISTED).map(row).collect(),
    }
}

/// `None` if nothing cost anything.
fn costs(figures: &PastFigures, links: &Links<'_>, day_budget: Option<f64>) -> Option<Chart> {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for (mode, cost) in figures.days.iter().flat_map(|day| &day.cost) {
        *sums.entry(mode).or_default() += cost;
    }
    let mut dearest: Vec<(&str, f64)> = sums.into_iter().collect();
    dearest.sort_by(|a, b| b.1.total_cmp(&a.1));
    let own = if dearest.len() > COLOURS + 1 { COLOURS } else { dearest.len() };
    let (own, others) = dearest.split_at(own);
    if own.is_empty() {
        return None;
    }
    let class = |at: usize| format!("m-{at}");
    let total = |day: &DayFigures| day.cost.values().sum::<f64>();
    let other = |day: &DayFigures| others.iter().filter_map(|(mode, _)| day.cost.get(*mode)).sum::<f64>();
    let segment = |day: &DayFigures, value: f64, class: String, name: &str, link: String| ColumnPart {
        value,
        class,
        says: format!("{}: {} {name}", day.day, amounts::cost(value)),
        link,
    };
    let column = |day: &DayFigures| {
        let named = own.iter().enumerate().map(|(at, (mode, _))| {
            let link = links.day(day, &[("mode", mode)]);
            segment(day, day.cost.get(*mode).copied().unwrap_or(0.0), class(at), mode, link)
        });
        let rest = segment(day, other(day), "m-rest".to_owned(), "other modes", links.day(day, &[]));
        Column {
            name: day.day.to_string(),
            says: format!("{}: {}", day.day, amounts::cost(total(day))),
            link: links.day(day, &[]),
            segments: named.chain([rest]).collect(),
        }
    };
    let cell = |value: f64, link: String| FigureCell { text: amounts::cost(value), link };
    let row = |day: &DayFigures| {
        let named = own.iter().map(|(mode, _)| match day.cost.get(*mode) {
            Some(cost) => cell(*cost, links.day(day, &[("mode", mode)])),
            None => FigureCell { text: String::new(), link: String::new() },
        });
        let rest = (!others.is_empty()).then(|| cell(other(day), String::new()));
        let cells = std::iter::once(cell(total(day), links.day(day, &[]))).chain(named).chain(rest).collect();
        FigureRow { name: day.day.to_string(), link: links.day(day, &[]), cells }
    };
    let columns: Vec<Column> = figures.days.iter().map(column).collect();
    let names =
        own.iter().map(|(mode, _)| (*mode).to_owned()).chain((!others.is_empty()).then(|| "other modes".to_owned()));
    let entry = |(at, name): (usize, String)| LegendEntry {
        class: if at < own.len() { class(at) } else { "m-rest".to_owned() },
        name,
    };
    let budget = day_budget.map(|budget| format!("budget of a day {}", amounts::dollars(budget)));
    let note: Vec<String> =
        budget.into_iter().chain(Some(period(figures)).filter(|period| !period.is_empty())).collect();
    Some(Chart {
        key: "costs",
        title: "Cost per day",
        note: note.join("; "),
        drawing: Drawing::columns(&columns, day_budget, amounts::dollars),
        legend: names.clone().enumerate().map(entry).collect(),
        heads: ["Day".to_owned(), "Cost".to_owned()].into_iter().chain(names).collect(),
        rows: figures.days.iter().rev().filter(|day| total(day) > 0.0).map(row).collect(),
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::lifecycle::summary::past_figures::OutcomeCounts;
    use crate::serve::ui::templates::{self, context};

    const EVIL: &str = "\"><script>alert(1)</script>&'";

    fn figures(modes: &[&str]) -> PastFigures {
        let mut outcomes = OutcomeCounts::default();
        outcomes.add(EndState::Succeeded);
        outcomes.add(EndState::Failed);
        let day = |n: i8| DayFigures {
            day: date(2026, 1, n),
            start_ms: i64::from(n) * 1000,
            end_ms: i64::from(n) * 1000 + 1000,
            outcomes,
            cost: modes.iter().zip(1..).map(|(mode, n)| ((*mode).to_owned(), f64::from(n))).collect(),
        };
        let mode = |mode: &&str| ModeFigures { mode: (*mode).to_owned(), outcomes, median_millis: Some(500) };
        PastFigures {
            outcomes,
            days: vec![day(1), day(2)],
            modes: modes.iter().map(mode).collect(),
            ..PastFigures::default()
        }
    }

    fn drawn(charts: Vec<Chart>) -> String {
        charts.into_iter().map(|chart| templates::render("chart.html", context! { chart }).unwrap()).collect()
    }

    #[test]
    fn a_name_in_a_drawing_stays_text() {
        let query = HistoryQuery { q: EVIL.to_owned(), ..HistoryQuery::default() };
        let html = drawn(charts(&figures(&[EVIL]), &query, Some(2.0)));
        assert!(html.contains("<svg") && html.contains("&lt;script&gt;"), "{html}");
        assert!(!html.contains("<script") && !html.contains("style=") && !html.contains(EVIL), "{html}");
        assert!(html.contains("q=%22%3E%3Cscript%3E"), "{html}");
    }

    #[test]
    fn modes_without_a_colour_share_one() {
        let names: Vec<String> = (0..9).map(|n| format!("mode-{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let charts = charts(&figures(&names), &HistoryQuery::default(), None);
        let costs = charts.last().unwrap();
        assert_eq!(costs.legend.len(), COLOURS + 1);
        assert_eq!(costs.legend[COLOURS].name, "other modes");
        // The dearest first; 1 + 2 + 3 are left.
        assert_eq!(
            (costs.rows[0].cells[0].text.as_str(), costs.rows[0].cells[1].text.as_str()),
            ("$45.0000", "$9.0000")
        );
        assert_eq!(costs.rows[0].cells[COLOURS + 1].text, "$6.0000");
    }

    #[test]
    fn a_bound_within_the_day_stays_in_its_links() {
        let figures = figures(&["job"]);
        let query =
            |from: &str| HistoryQuery { from: from.to_owned(), mode: "job".to_owned(), ..HistoryQuery::default() };
        let link = |from: &str| Links(&query(from)).day(&figures.days[0], &[("outcome", "failed")]);
        let expected = |from: &str| format!("/history?mode=job&from={from}&to=2026-01-01&outcome=failed");
        assert_eq!(link("2020-01-01"), expected("2026-01-01"));
        assert_eq!(link("1970-01-01T00:00:00Z"), expected("2026-01-01"), "before the day");
        assert_eq!(link("1970-01-01T00:00:01.5Z"), expected("1970-01-01T00:00:01.5Z"));
    }

    #[test]
    fn only_all_is_a_hundred_percent() {
        for (share, text) in [(0.0, "0%"), (0.334, "33%"), (0.999, "99%"), (1.0, "100%")] {
            assert_eq!(percent(share), text);
        }
    }
}
