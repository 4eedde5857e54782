//! Everything that is to be said about a project: manifest, templates and tasks at once. Runs nothing.

use crate::manifest::{self, Draft};
use crate::model::problem::Problem;
use crate::plan::order::order_problem;
use crate::plan::wanted::wanted;
use crate::runner::locate::Whence;
use crate::runner::project::{Depth, OpenError, Project};

/// What a check found.
#[derive(Clone, Debug)]
pub struct Checked {
    pub problems: Vec<Problem>,
    /// How many modes and tasks there are, where the manifest can be used.
    pub counts: Option<(usize, usize)>,
}

impl Checked {
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(Problem::is_error)
    }
}

/// Checks the project that is meant. Fails only where there is none.
pub fn check(whence: &Whence) -> Result<Checked, OpenError> {
    told(Project::open(whence, Depth::Whole))
}

/// Checks it as it would be with this draft.
pub(crate) fn check_draft(whence: &Whence, draft: &Draft) -> Result<Checked, OpenError> {
    told(Project::open_draft(whence, draft))
}

fn told(opened: Result<Project, OpenError>) -> Result<Checked, OpenError> {
    match opened {
        Ok(project) => Ok(project.check()),
        Err(OpenError::Problems { problems }) => Ok(Checked { problems, counts: None }),
        Err(error) => Err(error),
    }
}

impl Project {
    fn check(&self) -> Checked {
        let tasks = self.tasks();
        let wanted = wanted(&self.manifest, &tasks);
        let mut problems: Vec<Problem> = self.problems.iter().chain(tasks.problems()).cloned().collect();
        problems.extend(manifest::advice(&self.manifest));
        problems.extend(wanted.problems);
        problems.extend(order_problem(&tasks));
        Checked { problems, counts: Some((self.manifest.modes.len(), tasks.tasks().len())) }
    }
}
