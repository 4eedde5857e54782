//! The unfinished runs and those that ended lately, in the groups in which a person works through them.

use std::collections::HashSet;

use serde::Serialize;

use crate::lifecycle::failure::Failure;
use crate::lifecycle::refresh;
use crate::lifecycle::summary::past_runs::PastRuns;
use crate::model::interval::Interval;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::snapshot::{Capacity, Live};
use crate::view::badge::Badge;
use crate::view::run_view::RunView;

/// Ended runs that are listed, at most.
const ENDED: u32 = 30;
/// Failed runs that nobody looked at and that are listed as needing the user, at most.
const FAILED: usize = 30;
/// How long ended runs are listed.
const ENDED_SINCE: Interval = Interval::from_secs(3600);

/// The groups, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunGroup {
    Needs,
    Running,
    Queued,
    Ended,
}

#[derive(Clone, Debug)]
pub struct ListedRun {
    pub run: Run,
    pub view: RunView,
    pub badge: Badge,
    /// What it waits for, or its badge's word.
    pub word: String,
}

#[derive(Debug)]
pub struct RunGroups {
    /// The longest wait first, then the latest failure first.
    pub needs: Vec<ListedRun>,
    /// The latest start first.
    pub running: Vec<ListedRun>,
    /// In the order of the queue.
    pub queued: Vec<ListedRun>,
    /// The last to end first.
    pub ended: Vec<ListedRun>,
    pub capacity: Capacity,
}

impl RunGroup {
    pub const ALL: [Self; 4] = [Self::Needs, Self::Running, Self::Queued, Self::Ended];

    pub fn name(self) -> &'static str {
        match self {
            Self::Needs => "Needs you",
            Self::Running => "Running",
            Self::Queued => "Queued",
            Self::Ended => "Ended in the last hour",
        }
    }

    /// Shown if there are none; empty: nothing is shown.
    pub fn none(self) -> &'static str {
        match self {
            Self::Needs => "Nothing needs you.",
            Self::Running => "Nothing runs.",
            Self::Queued | Self::Ended => "",
        }
    }
}

impl RunGroups {
    pub fn of(&self, group: RunGroup) -> &[ListedRun] {
        match group {
            RunGroup::Needs => &self.needs,
            RunGroup::Running => &self.running,
            RunGroup::Queued => &self.queued,
            RunGroup::Ended => &self.ended,
        }
    }
}

impl Live {
    /// The groups as of the current snapshot.
    pub fn groups(&self) -> Result<RunGroups, Failure> {
        let snapshot = self.snapshot()?;
        let positions = snapshot.positions();
        let (mut needs, mut running, mut queued) = (Vec::new(), Vec::new(), Vec::new());
        for run in &snapshot.active {
            let view = RunView { position: positions.get(run.id()).copied(), ..self.view(run) };
            let listed = ListedRun::new(run.clone(), view);
            let is_queued = listed.badge.key == "queued" && !listed.badge.running;
            let group = match (listed.badge.needs, is_queued) {
                (true, _) => &mut needs,
                (false, false) => &mut running,
                (false, true) => &mut queued,
            };
            group.push(listed);
        }
        needs.sort_by_key(|listed| listed.badge.since);
        running.sort_by_key(|listed| std::cmp::Reverse(listed.view.started_at));
        let past = PastRuns { since: Some(ENDED_SINCE), limit: Some(ENDED), ..PastRuns::default() };
        let past = self.past_with_open_index(past)?.runs;
        let failed = self.unseen_runs(&*self.unseen()?);
        let others = past.into_iter().filter(|run| !failed.iter().any(|failed| failed.id() == run.id()));
        let listed = |run: Run| {
            let view = self.view(&run);
            ListedRun::new(run, view)
        };
        let ended = others.map(listed).collect();
        needs.extend(failed.into_iter().map(listed));
        Ok(RunGroups { needs, running, queued, ended, capacity: snapshot.capacity.clone() })
    }

    /// The latest of these runs, the latest first. One that was pruned meanwhile is left out.
    fn unseen_runs(&self, unseen: &HashSet<String>) -> Vec<Run> {
        let mut ids: Vec<RunId> = unseen.iter().filter_map(|id| RunId::parse(id)).collect();
        ids.sort_by(|a, b| b.as_str().cmp(a.as_str()));
        ids.truncate(FAILED);
        let runs = ids.iter().filter_map(|id| refresh::one(self.store(), id).ok().flatten()).collect();
        self.store().close_index();
        runs
    }
}

impl ListedRun {
    fn new(run: Run, view: RunView) -> Self {
        let badge = Badge::of(&view, false);
        Self { word: word(&view, &badge), run, view, badge }
    }
}

/// `2nd, slot`, `need: code-review TASK-3`, else the word of the badge.
fn word(run: &RunView, badge: &Badge) -> String {
    match (run.state, run.waiting_for, run.position) {
        ("queued", Some("slot"), Some(position)) => format!("{}, slot", ordinal(position)),
        ("running", ..) if badge.key == "waiting" => "waits".to_owned(),
        ("queued", Some("gate"), _) => "approval".to_owned(),
        ("queued", Some(what), _) => match &run.reason {
            Some(about) => format!("{what}: {about}"),
            None => what.to_owned(),
        },
        _ => badge.word.clone(),
    }
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (1, hundred) if hundred != 11 => "st",
        (2, hundred) if hundred != 12 => "nd",
        (3, hundred) if hundred != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_queue_are_ordinal_numbers() {
        for (number, text) in
            [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st")]
        {
            assert_eq!(ordinal(number), text);
        }
    }
}
