//! Resolves `runs:` of the manifest against the current tasks: the pairs that `up` keeps running. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::manifest::{Manifest, Mode, TaskChoice, TaskSelector, WantedRuns};
use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::nearest::nearest;
use crate::model::problem::Problem;
use crate::model::restart::Restart;
use crate::model::text_lines::line_range;
use crate::plan::selector::matches;
use crate::tasks::{FindError, TaskSet};

#[derive(Clone, Debug, Default)]
pub struct WantedSet {
    /// Each pair once, ordered by entry, then by the entry's ids or by task.
    pub entries: Vec<WantedPair>,
    /// Names in the manifest that no task has.
    pub problems: Vec<Problem>,
    /// A message for each entry that selects no task.
    pub unmatched: Vec<String>,
    pairs: HashSet<Pair>,
    /// The pairs that `entries` need, directly or through others.
    needed: HashSet<Pair>,
    /// Modes for which an entry selects tasks.
    selecting: BTreeSet<ModeName>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPair {
    pub pair: Pair,
    pub restart: Restart,
    /// The line of the first entry that wants it, counted from 1.
    pub line: usize,
    pub how: ChosenBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenBy {
    ById,
    BySelector,
}

/// The relation of a pair to the wanted set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    Wanted,
    /// A wanted pair needs it.
    Needed,
    /// An entry selects tasks for its mode, and no longer this task.
    Unselected,
    Unwanted,
}

pub fn wanted(manifest: &Manifest, tasks: &TaskSet) -> WantedSet {
    let mut wanted = WantedSet::default();
    for entry in &manifest.runs {
        let (chosen, how) = match &entry.tasks {
            TaskChoice::Ids(ids) => (named(manifest, tasks, entry, ids, &mut wanted.problems), ChosenBy::ById),
            TaskChoice::Selected(selector) => {
                wanted.selecting.insert(entry.mode.clone());
                let found = selected(manifest, tasks, entry, selector, &mut wanted.problems);
                if found.is_empty() {
                    let (line, mode) = (entry.line, &entry.mode);
                    wanted.unmatched.push(format!("line {line}: the entry of `runs` for `{mode}` selects no task"));
                }
                (found, ChosenBy::BySelector)
            }
        };
        for task in chosen {
            let pair = Pair { mode: entry.mode.clone(), task };
            if wanted.pairs.insert(pair.clone()) {
                wanted.entries.push(WantedPair { pair, restart: entry.restart, line: entry.line, how });
            }
        }
    }
    let mut closures: HashMap<&ModeName, Vec<&ModeName>> = HashMap::new();
    for entry in &wanted.entries {
        let mode = &entry.pair.mode;
        for need in closures.entry(mode).or_insert_with(|| closure(&manifest.modes, mode)) {
            wanted.needed.insert(Pair { mode: (*need).clone(), task: entry.pair.task.clone() });
        }
    }
    wanted
}

impl WantedSet {
    /// The wanted pairs, and then those that they need.
    pub fn with_needed(&self) -> impl Iterator<Item = &Pair> {
        self.entries.iter().map(|entry| &entry.pair).chain(self.needed.iter().filter(|pair| !self.pairs.contains(pair)))
    }

    pub fn standing(&self, pair: &Pair) -> Membership {
        if self.pairs.contains(pair) {
            Membership::Wanted
        } else if self.needed.contains(pair) {
            Membership::Needed
        } else if self.selecting.contains(&pair.mode) {
            Membership::Unselected
        } else {
            Membership::Unwanted
        }
    }
}

fn named(
    manifest: &Manifest,
    tasks: &TaskSet,
    entry: &WantedRuns,
    ids: &[TaskId],
    problems: &mut Vec<Problem>,
) -> Vec<TaskId> {
    let mut found = Vec::new();
    for id in ids {
        // Accepts `_overview` if there is only one, like the command line.
        match tasks.find(id.as_str()) {
            Ok(task) => found.push(task.id.clone()),
            Err(error) => {
                let near = match &error {
                    FindError::Unknown { nearest, .. } => nearest.as_deref(),
                    _ => None,
                };
                problems.push(unknown(manifest, entry, &format!("`runs`: {error}"), near));
            }
        }
    }
    found
}

fn selected(
    manifest: &Manifest,
    tasks: &TaskSet,
    entry: &WantedRuns,
    selector: &TaskSelector,
    problems: &mut Vec<Problem>,
) -> Vec<TaskId> {
    for parent in selector.parent.iter().filter(|parent| tasks.get(parent).is_none()) {
        let near = nearest(parent.as_str(), tasks.tasks().iter().map(|task| task.id.as_str()));
        problems.push(unknown(manifest, entry, &format!("`runs`: unknown parent `{parent}`"), near));
    }
    tasks.tasks().iter().filter(|task| matches(selector, task)).map(|task| task.id.clone()).collect()
}

/// An error located at the line of the entry.
fn unknown(manifest: &Manifest, entry: &WantedRuns, message: &str, near: Option<&str>) -> Problem {
    let text = &manifest.source;
    let range = line_range(text, entry.line);
    let line = &text[range.clone()];
    let (start, end) = (range.end - line.trim_start().len(), range.start + line.trim_end().len());
    let hint = near.map_or_else(|| "`dispatch tasks` lists them".to_owned(), |near| format!("did you mean `{near}`?"));
    Problem::error(message).at(&manifest.path, text, start.min(end), end).hint(hint)
}

/// All modes that `mode` needs, directly or through others.
fn closure<'m>(modes: &'m BTreeMap<ModeName, Mode>, mode: &ModeName) -> Vec<&'m ModeName> {
    let mut found: Vec<&ModeName> = Vec::new();
    let mut seen: HashSet<&ModeName> = HashSet::new();
    let mut waiting: Vec<&Mode> = modes.get(mode).into_iter().collect();
    while let Some(mode) = waiting.pop() {
        for need in mode.needs.iter().filter_map(|need| modes.get(need)) {
            if seen.insert(&need.name) {
                found.push(&need.name);
                waiting.push(need);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::for_tests::{listed, manifest, pair, tasks};

    #[test]
    fn entries_come_in_file_order_each_pair_once_and_the_first_wins() {
        let manifest = manifest(
            "modes:\n  review: { needs: [lint] }\n  lint: { needs: [build] }\n  build: {}\n  talk: { interactive: true }\n\
             runs:\n  - { mode: talk, tasks: [B], restart: always }\n  - mode: talk\n    tasks: { tag: x }\n  - { mode: review, tasks: [A, A] }\n",
        );
        let tag = |name| crate::model::task_source::ListedTask { tags: vec!["x".into()], ..listed(name, None, &[]) };
        let set = tasks(vec![tag("A"), tag("B"), listed("C", None, &[])]);
        let wanted = wanted(&manifest, &set);
        let found: Vec<_> =
            wanted.entries.iter().map(|e| (e.pair.to_string(), e.restart.as_str(), e.line, e.how)).collect();
        assert_eq!(
            found,
            [
                ("talk B".to_owned(), "always", 8, ChosenBy::ById),
                ("talk A".to_owned(), "never", 9, ChosenBy::BySelector),
                ("review A".to_owned(), "never", 11, ChosenBy::ById),
            ]
        );
        assert_eq!(wanted.problems, []);
        for (text, standing) in [
            ("talk B", Membership::Wanted),
            ("lint A", Membership::Needed),
            ("build A", Membership::Needed),
            ("talk C", Membership::Unselected),
            ("lint B", Membership::Unwanted),
        ] {
            assert_eq!(wanted.standing(&pair(text)), standing, "{text}");
        }
    }

    #[test]
    fn unknown_names_are_reported_at_their_entry() {
        let manifest = manifest(
            "modes: { review: {} }\nruns:\n  - { mode: review, tasks: [TASK-2, TASK-1] }\n  - mode: review\n    tasks: { parent: Q }\n",
        );
        let wanted = wanted(&manifest, &tasks(vec![listed("TASK-1", None, &[])]));
        assert_eq!(wanted.entries.len(), 1);
        let told: Vec<_> = wanted
            .problems
            .iter()
            .map(|problem| {
                let excerpt = problem.place.as_ref().unwrap().excerpt.as_ref().unwrap();
                (problem.message.as_str(), excerpt.line_column(), problem.hints[0].as_str())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("`runs`: unknown task `TASK-2`", (4, 3), "did you mean `TASK-1`?"),
                ("`runs`: unknown parent `Q`", (5, 3), "`dispatch tasks` lists them"),
            ]
        );
    }
}
