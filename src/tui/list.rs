//! The list of runs: which rows are shown, and which one is chosen. Pure.

use crate::model::run_id::RunId;
use crate::snapshot::{ListedRun, RunGroup, RunGroups};
use crate::tui::line_input::LineInput;

/// What the person chose about the list.
#[derive(Clone, Debug, Default)]
pub(super) struct ListChoice {
    pub(super) run: Option<RunId>,
    /// A run that is chosen once it is listed.
    expected: Option<RunId>,
    /// The place of the chosen run among the runs shown: where the choice stays if the run leaves the list.
    place: usize,
    pub(super) filter: LineInput,
    /// The keys go into the filter.
    pub(super) is_typing: bool,
    pub(super) only_needs: bool,
    /// The first row shown.
    pub(super) top: usize,
}

/// A row of the list.
#[derive(Clone, Copy, Debug)]
pub(super) enum ListRow<'a> {
    /// A group, and how many runs it has.
    Heading(RunGroup, usize),
    /// The words of an empty group.
    None(&'static str),
    Run(&'a ListedRun),
    /// Why the run above needs its user, and the keys that help.
    About(&'a ListedRun),
}

impl ListChoice {
    pub(super) fn rows<'a>(&self, groups: &'a RunGroups) -> Vec<ListRow<'a>> {
        let filter = self.filter.text().to_lowercase();
        let words: Vec<&str> = filter.split_whitespace().collect();
        let mut rows = Vec::new();
        for group in RunGroup::ALL {
            if self.only_needs && group != RunGroup::Needs {
                continue;
            }
            let runs: Vec<&ListedRun> = groups.of(group).iter().filter(|run| matches(run, &words)).collect();
            let is_shown = !runs.is_empty() || (words.is_empty() && !group.none().is_empty());
            if !is_shown {
                continue;
            }
            rows.push(ListRow::Heading(group, runs.len()));
            if runs.is_empty() {
                rows.push(ListRow::None(group.none()));
            }
            for run in runs {
                rows.push(ListRow::Run(run));
                if group == RunGroup::Needs {
                    rows.push(ListRow::About(run));
                }
            }
        }
        rows
    }

    /// Keeps the choice on its run, or on the run that took its place.
    pub(super) fn settle(&mut self, groups: &RunGroups) {
        let runs = runs(self.rows(groups));
        if runs.is_empty() {
            self.run = None;
            return;
        }
        if let Some(expected) = self.expected.take_if(|id| runs.iter().any(|run| run.run.id() == id)) {
            self.run = Some(expected);
        }
        let known = self.run.as_ref().and_then(|id| runs.iter().position(|run| run.run.id() == id));
        self.place = known.unwrap_or(self.place.min(runs.len() - 1));
        self.run = runs.get(self.place).map(|run| run.run.id().clone());
    }

    /// Another filter was typed: the first run shown is chosen, unless the chosen one still is.
    pub(super) fn refiltered(&mut self, groups: &RunGroups) {
        self.place = 0;
        self.settle(groups);
    }

    /// Chooses this run as soon as it is listed, unless another choice is made before.
    pub(super) fn expect(&mut self, id: &RunId) {
        self.expected = Some(id.clone());
    }

    /// Moves the choice by this many runs.
    pub(super) fn step(&mut self, groups: &RunGroups, by: isize) {
        let count = runs(self.rows(groups)).len();
        self.expected = None;
        self.place = self.place.saturating_add_signed(by).min(count.saturating_sub(1));
        self.run = None;
        self.settle(groups);
    }

    pub(super) fn choose(&mut self, groups: &RunGroups, id: &RunId) {
        self.expected = None;
        self.run = Some(id.clone());
        self.settle(groups);
    }

    /// Goes to the run that needs its user after the chosen one, around the end.
    pub(super) fn next_need(&mut self, groups: &RunGroups) {
        let at = groups.needs.iter().position(|run| Some(run.run.id()) == self.run.as_ref());
        let next = at.map_or(0, |at| (at + 1) % groups.needs.len());
        if let Some(run) = groups.needs.get(next) {
            // It may be filtered out.
            if !matches(run, &self.filter.text().to_lowercase().split_whitespace().collect::<Vec<_>>()) {
                self.filter = LineInput::default();
            }
            let id = run.run.id().clone();
            self.choose(groups, &id);
        }
    }
}

/// The runs of these rows.
pub(super) fn runs(rows: Vec<ListRow<'_>>) -> Vec<&ListedRun> {
    let run = |row| match row {
        ListRow::Run(run) => Some(run),
        ListRow::Heading(..) | ListRow::None(_) | ListRow::About(_) => None,
    };
    rows.into_iter().filter_map(run).collect()
}

fn matches(run: &ListedRun, words: &[&str]) -> bool {
    if words.is_empty() {
        return true;
    }
    let badge = &run.badge;
    let text = format!("{} {} {} {}", badge.task, badge.mode, run.word, badge.reason).to_lowercase();
    words.iter().all(|word| text.contains(word))
}
