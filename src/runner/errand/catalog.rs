//! What a page of all tasks shows beside the runs: tasks, modes, what is wrong with them, and which
//! pairs would do nothing new.

use serde_json::{Value, json};

use crate::model::run_state::EndState;
use crate::plan::freshness::Freshness;
use crate::runner::doctor::{self, Finding};
use crate::runner::failure::Failure;
use crate::runner::locate::Whence;
use crate::runner::prepare::Request;
use crate::runner::project::{Depth, Project};
use crate::runner::show;
use crate::tasks::TaskSet;
use crate::view::problem_view::ProblemView;

/// Hashing the sources of many pairs takes its time: only the last ones are told as up to date.
const FRESH_PAIRS: usize = 100;

pub(super) fn of(whence: &Whence) -> Result<Value, Failure> {
    // A template that is broken takes its modes' runs away, not the list of tasks.
    let (project, broken) = match Project::open(whence, Depth::Whole) {
        Ok(project) => (project, None),
        Err(error) => (Project::open(whence, Depth::Shape)?, Some(Failure::from(error))),
    };
    let root = &project.manifest.root;
    let set = project.tasks();
    let tracks = project.manifest.modes.values().any(|mode| !mode.sources.is_empty());
    let fresh = if tracks && broken.is_none() { fresh(&project, &set)? } else { Vec::new() };
    let tasks = show::tasks(&set);
    let said = broken.map(|failure| {
        let problems: Vec<ProblemView> = failure.problems.iter().map(ProblemView::new).collect();
        json!({ "message": failure.to_string(), "hints": failure.hints, "problems": problems })
    });
    Ok(json!({
        "project": {
            "name": project.manifest.name, "root": root, "manifest": project.manifest.path,
            "worktrees": project.manifest.worktree.is_some(),
        },
        "tasks": tasks.tasks, "problems": tasks.problems, "broken": said,
        "missing": missing(&project), "modes": show::modes(&project, root).modes, "fresh": fresh, "tracks": tracks,
    }))
}

/// What runs will fail for, in `doctor`'s words.
fn missing(project: &Project) -> Vec<Value> {
    let finding = |finding: Finding| json!({ "what": finding.what, "found": finding.found, "cure": finding.cure });
    doctor::missing(project).into_iter().map(finding).collect()
}

/// The pairs that are up to date, as `[mode, task]`.
fn fresh(project: &Project, set: &TaskSet) -> Result<Vec<[String; 2]>, Failure> {
    let Some(store) = project.store()? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut left = FRESH_PAIRS;
    for run in store.last_ended(u32::MAX)? {
        let pair = run.pair();
        let (Some(mode), Some(task)) = (project.manifest.modes.get(&pair.mode), set.get(&pair.task)) else { continue };
        if mode.sources.is_empty() || run.end_state() != Some(EndState::Succeeded) {
            continue;
        }
        if left == 0 {
            break;
        }
        left -= 1;
        let Ok(prepared) = project.prepare(set, mode, task, &Request::default()) else { continue };
        if matches!(store.freshness(&prepared), Ok(Some((_, Freshness::UpToDate)))) {
            found.push([pair.mode.to_string(), pair.task.to_string()]);
        }
    }
    Ok(found)
}
