//! Where a task is worked on: the folder of a run, and the worktree where it has to be made first.
//! Looks, and makes nothing.

use std::path::{Path, PathBuf};

use crate::manifest::Mode;
use crate::manifest::templates::Templates;
use crate::model::problem::Problem;
use crate::model::run_spec::WorktreeSpec;
use crate::runner::prepare::PrepareError;
use crate::runner::project::Project;
use crate::runner::template_context::Context;
use crate::system::git;
use crate::tasks::{self, Task, TaskSet};

/// A task's worktree by the manifest's `worktree:`, whether it is there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskWorktree {
    pub path: PathBuf,
    pub branch: String,
    pub base: String,
    pub create: bool,
    pub(super) copy: Vec<PathBuf>,
    pub(super) setup: Vec<String>,
}

impl Project {
    /// The run's folder, and the worktree where it has to be made or set up first.
    pub(super) fn folder_of(
        &self,
        mode: &Mode,
        task: &Task,
        worktree: Option<TaskWorktree>,
        inline: &impl Fn(&str, &str) -> Result<String, Problem>,
    ) -> Result<(PathBuf, Option<WorktreeSpec>), PrepareError> {
        let mut to_make = None;
        let mut cwd = self.manifest.root.clone();
        if let Some(worktree) = worktree {
            cwd.clone_from(&worktree.path);
            let is_there = worktree.path.is_dir();
            if is_there && !git::is_worktree(&worktree.path) {
                return Err(PrepareError::NotAWorktree(worktree.path));
            }
            if is_there && !(worktree.create && git::setup_is_pending(&worktree.path)) {
                // Used as it is.
            } else if worktree.create {
                to_make = Some(self.worktree_spec(&worktree));
            } else {
                return Err(PrepareError::MissingWorktree {
                    task: task.id.clone(),
                    path: worktree.path,
                    branch: worktree.branch,
                    base: worktree.base,
                });
            }
        }
        if let Some(template) = &mode.cwd {
            cwd = normalised(&self.manifest.root.join(inline("cwd", template)?));
        }
        let will_be_made = to_make.as_ref().is_some_and(|spec| cwd.starts_with(&spec.path));
        if !cwd.is_dir() && !will_be_made {
            return Err(PrepareError::MissingFolder(cwd));
        }
        Ok((cwd, to_make))
    }

    /// How the worktree is made, as it is written into a run's spec.
    pub(super) fn worktree_spec(&self, worktree: &TaskWorktree) -> WorktreeSpec {
        let TaskWorktree { path, branch, base, create: _, copy, setup } = worktree.clone();
        WorktreeSpec { repository: self.manifest.root.clone(), path, branch, base, copy, setup }
    }
}

/// Where `task` is worked on, or `None` where the manifest has no `worktree:`. A subtask shares
/// its parent's worktree, unless the template itself speaks of `task.parent`.
pub fn worktree_of(
    project: &Project,
    tasks: &TaskSet,
    mode: &Mode,
    task: &Task,
) -> Result<Option<TaskWorktree>, PrepareError> {
    let Some(worktree) = &project.manifest.worktree else { return Ok(None) };
    let speaks_of_parents = worktree.path.contains("task.parent") || worktree.branch.contains("task.parent");
    let owner = if speaks_of_parents { task } else { top_of(tasks, task) };
    let empty = tasks::Body::default();
    let context = Context::new(&project.manifest, mode, owner, &empty).value();
    let templates = Templates::new(&project.manifest.root);
    let render = |what: &str, source: &str| templates.render_inline(what, source, &context);
    let path = normalised(&project.manifest.root.join(render("worktree.path", &worktree.path)?));
    let branch = render("worktree.branch", &worktree.branch)?;
    let base = render("worktree.base", &worktree.base)?;
    let setup = worktree.setup.iter().map(|word| render("worktree.setup", word)).collect::<Result<_, _>>()?;
    let copy = worktree.copy.iter().map(PathBuf::from).collect();
    Ok(Some(TaskWorktree { path, branch, base, create: worktree.create, copy, setup }))
}

/// The outermost parent. Circles were cut when the tasks were scanned; the bound is a seat belt.
fn top_of<'a>(tasks: &'a TaskSet, task: &'a Task) -> &'a Task {
    let mut top = task;
    for _ in 0..64 {
        match top.parent.as_ref().and_then(|parent| tasks.get(parent)) {
            Some(parent) => top = parent,
            None => break,
        }
    }
    top
}

/// The path without `.` and `..`, by its words alone: it may not exist yet.
fn normalised(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
