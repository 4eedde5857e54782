//! Collects all problems of a project: manifest, templates, tasks, and the base of its worktrees. Runs git only to
//! resolve that base; runs nothing else.

use std::collections::BTreeSet;

use crate::lifecycle::project::locate::ManifestLocation;
use crate::lifecycle::project::{Depth, OpenError, Project};
use crate::lifecycle::worktree::work;
use crate::manifest::templates::is_plain;
use crate::manifest::{self, UnsavedFile, problem_at_key};
use crate::model::problem::Problem;
use crate::os::git::{self, Repository};
use crate::plan::order::order_problem;
use crate::plan::wanted::wanted;
use crate::tasks::TaskSet;

#[derive(Clone, Debug)]
pub struct CheckReport {
    pub problems: Vec<Problem>,
    /// Number of modes and of tasks; `None` if the manifest is unusable.
    pub counts: Option<(usize, usize)>,
}

impl CheckReport {
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }
}

/// Checks the project. Fails only if no manifest or no usable repository is found.
pub fn check(location: &ManifestLocation) -> Result<CheckReport, OpenError> {
    Ok(report(Project::open(location, Depth::Whole))?.report)
}

/// A checked project with unsaved files.
#[derive(Debug)]
pub(crate) struct DraftCheck {
    pub(crate) report: CheckReport,
    /// What the texts give; `None` if the manifest is unusable.
    pub(crate) content: Option<(Project, TaskSet)>,
}

/// Checks the project as it would be with these unsaved files. Fails as [`check`] does.
pub(crate) fn check_draft(location: &ManifestLocation, drafts: &[UnsavedFile]) -> Result<DraftCheck, OpenError> {
    report(Project::open_draft(location, drafts))
}

fn report(opened: Result<Project, OpenError>) -> Result<DraftCheck, OpenError> {
    match opened {
        Ok(project) => {
            let tasks = project.tasks();
            Ok(DraftCheck { report: judge(&project, &tasks), content: Some((project, tasks)) })
        }
        Err(OpenError::Problems { problems }) => {
            Ok(DraftCheck { report: CheckReport { problems, counts: None }, content: None })
        }
        Err(error) => Err(error),
    }
}

fn judge(project: &Project, tasks: &TaskSet) -> CheckReport {
    let wanted = wanted(&project.manifest, tasks);
    let mut problems: Vec<Problem> = project.problems.iter().chain(tasks.problems()).cloned().collect();
    problems.extend(manifest::advice(&project.manifest));
    problems.extend(wanted.problems);
    problems.extend(order_problem(tasks));
    problems.extend(base_problems(project, tasks));
    CheckReport { problems, counts: Some((project.manifest.modes.len(), tasks.tasks().len())) }
}

/// Problems for a configured `worktree.base` that is not a commit. No check outside a repository, in one without
/// commits, or if the base is fetched first.
fn base_problems(project: &Project, tasks: &TaskSet) -> Vec<Problem> {
    let Some(root) = project.repository.as_ref().map(Repository::folder_for_git) else { return Vec::new() };
    let Some((settings, base)) = project.manifest.worktree.as_ref().and_then(|all| Some((all, all.base.as_ref()?)))
    else {
        return Vec::new();
    };
    if settings.fetch || !matches!(git::resolve(root, "HEAD"), Ok(Some(_))) {
        return Vec::new();
    }
    let mut bases = BTreeSet::new();
    match is_plain(base) {
        true => bases.extend([base.clone()]),
        // `check` reports a template that does not render elsewhere.
        false => bases.extend(tasks.tasks().iter().filter_map(|task| work::work_of(project, tasks, task).ok()?.base)),
    }
    let problem = |base: &String| match git::resolve(root, base) {
        Ok(None) => {
            let problem = Problem::error(format!("`{base}` (`worktree.base`) is not a commit of this repository"));
            let problem = match git::default_base(root) {
                Ok(other) => problem.hint(format!("write `base: {other}`, or leave it out for the default")),
                Err(_) => problem,
            };
            Some(problem_at_key(&project.manifest, &["worktree", "base"], problem))
        }
        Ok(Some(_)) | Err(_) => None,
    };
    bases.iter().filter_map(problem).collect()
}
