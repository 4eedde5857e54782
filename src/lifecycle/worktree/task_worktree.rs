//! Determines the working directory of a run and the worktree that must be created first. Creates nothing.

use std::path::{Path, PathBuf};

use crate::lifecycle::launch::prepare::PrepareError;
use crate::lifecycle::launch::template_context::TemplateContext;
use crate::lifecycle::project::Project;
use crate::manifest::Mode;
use crate::manifest::templates::Templates;
use crate::model::lexical_path::without_dots;
use crate::model::names::Pair;
use crate::model::problem::Problem;
use crate::model::run_id::RunId;
use crate::model::run_spec::{WorktreeSpec, below};
use crate::os::git::{self, GitError, Repository};
use crate::tasks::{self, Task, TaskSet};

/// How many parents of a task are followed.
const PARENTS_MAX: usize = 64;

/// A task's worktree as `worktree:` describes it; it may not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskWorktree {
    pub path: PathBuf,
    /// Short name: `main`, not `refs/heads/main`.
    pub branch: String,
    /// `None`: the default of `base_of`.
    pub base: Option<String>,
    pub create: bool,
    pub(crate) fetch: bool,
    pub(crate) submodules: Option<bool>,
    pub(crate) copy: Vec<PathBuf>,
    pub(crate) setup: Vec<String>,
    pub(crate) check: Vec<String>,
}

/// The run's working directory, and its worktree if that must be created or set up first. Fails if the folder is missing and will
/// not be created, or is no worktree of this repository.
pub(crate) fn folder_of(
    project: &Project,
    mode: &Mode,
    task: &Task,
    worktree: Option<TaskWorktree>,
    inline: &impl Fn(&str, &str) -> Result<String, Problem>,
) -> Result<(PathBuf, Option<WorktreeSpec>), PrepareError> {
    let mut worktree_to_create = None;
    let mut cwd = project.manifest.root.clone();
    if let Some(worktree) = worktree {
        let repository = project.known_repository()?;
        cwd = below(&worktree.path, &project.below);
        let is_there = worktree.path.is_dir();
        if is_there && !git::is_worktree(&worktree.path) {
            return Err(PrepareError::NotAWorktree(worktree.path));
        }
        if is_there && !git::is_checkout_of(repository.common(), &worktree.path) {
            return Err(PrepareError::Git(GitError::OtherRepository(worktree.path)));
        }
        if is_there && !(worktree.create && git::setup_is_pending(&worktree.path)) {
            // An existing worktree that is set up is used as it is.
        } else if worktree.create {
            let base = base_of(project, &worktree)?;
            let spec = WorktreeSpec { base, ..worktree_spec(project, &worktree) };
            project.making.check(&spec, repository)?;
            worktree_to_create = Some(spec);
        } else {
            return Err(PrepareError::MissingWorktree {
                task: task.id.clone(),
                base: base_of(project, &worktree)?,
                path: worktree.path,
                branch: worktree.branch,
            });
        }
    }
    if let Some(template) = &mode.cwd {
        cwd = without_dots(&project.manifest.root.join(inline("cwd", template)?));
    }
    let will_be_created = worktree_to_create.as_ref().is_some_and(|spec| cwd.starts_with(&spec.path));
    if !cwd.is_dir() && !will_be_created {
        return Err(PrepareError::MissingFolder(cwd));
    }
    Ok((cwd, worktree_to_create))
}

/// The worktree as a run's spec records it. `base` is empty if none is configured; a run that creates its worktree
/// fills in [`base_of`].
pub(crate) fn worktree_spec(project: &Project, worktree: &TaskWorktree) -> WorktreeSpec {
    let TaskWorktree { path, branch, base, create: _, fetch, submodules, copy, setup, check: _ } = worktree.clone();
    let (repository, base) = (folder_for_git(project).to_owned(), base.unwrap_or_default());
    let below = project.below.clone();
    let project = Some(project.manifest.root.clone()).filter(|root| *root != repository);
    WorktreeSpec { repository, project, below, path, branch, base, fetch, submodules, copy, setup }
}

/// A folder in which git finds the repository, or the project root if there is none.
fn folder_for_git(project: &Project) -> &Path {
    project.repository.as_ref().map_or(&project.manifest.root, Repository::folder_for_git)
}

/// The error for a resumed run whose folder `cwd` no longer exists, with the command that restores it.
pub(crate) fn missing_folder(
    project: &Project,
    cwd: &Path,
    pair: Pair,
    run: &RunId,
    worktree: Option<&TaskWorktree>,
) -> PrepareError {
    let folder = cwd.to_owned();
    let root = folder_for_git(project);
    let command = |worktree: &TaskWorktree| {
        let word = |text: &str| shell_words::quote(text).into_owned();
        let add = format!("git -C {} worktree add", word(&root.display().to_string()));
        let (path, branch) = (word(&worktree.path.display().to_string()), word(&worktree.branch));
        let is_there = git::resolve(root, &format!("refs/heads/{}", worktree.branch)).ok()?.is_some();
        Some(match is_there {
            true => format!("{add} {path} {branch}"),
            false => format!("{add} -b {branch} {path} {}", word(&base_of(project, worktree).ok()?)),
        })
    };
    let restore = worktree.filter(|worktree| cwd.starts_with(&worktree.path)).and_then(command);
    PrepareError::ResumedFolderGone { run: run.clone(), folder, pair, restore }
}

/// The configured base, else the repository's default: the branch of `origin/HEAD`, else the main checkout's branch.
pub(crate) fn base_of(project: &Project, worktree: &TaskWorktree) -> Result<String, GitError> {
    if let Some(base) = &worktree.base {
        return Ok(base.clone());
    }
    if let Some(base) = project.default_base.get() {
        return Ok(base.clone());
    }
    let base = git::default_base(folder_for_git(project))?;
    Ok(project.default_base.get_or_init(|| base).clone())
}

/// The worktree of `task`; `None` if the manifest has no `worktree:`. A subtask shares its parent's worktree,
/// unless a template uses `task.parent`. Fails if a template does not render or the branch name is invalid.
pub fn worktree_of(
    project: &Project,
    tasks: &TaskSet,
    mode: &Mode,
    task: &Task,
) -> Result<Option<TaskWorktree>, PrepareError> {
    let Some(worktree) = &project.manifest.worktree else { return Ok(None) };
    let uses_parent = worktree.path.contains("task.parent") || worktree.branch.contains("task.parent");
    let owner = if uses_parent { task } else { top_of(tasks, task) };
    let empty = tasks::TaskBody::default();
    let context = TemplateContext::new(&project.manifest, mode, owner, &empty).value();
    let templates = Templates::new(&project.manifest.root);
    let render = |what: &str, source: &str| templates.render_inline(what, source, &context);
    let path = without_dots(&project.manifest.root.join(render("worktree.path", &worktree.path)?));
    let branch = short_name(&render("worktree.branch", &worktree.branch)?)?;
    let base = worktree.base.as_ref().map(|base| render("worktree.base", base)).transpose()?;
    let words = |what: &str, words: &[String]| words.iter().map(|word| render(what, word)).collect::<Result<_, _>>();
    let (setup, check) = (words("worktree.setup", &worktree.setup)?, words("worktree.check", &worktree.check)?);
    let copy = worktree.copy.iter().map(PathBuf::from).collect();
    let (create, fetch, submodules) = (worktree.create, worktree.fetch, worktree.submodules);
    Ok(Some(TaskWorktree { path, branch, base, create, fetch, submodules, copy, setup, check }))
}

/// Strips `refs/heads/`: `git branch refs/heads/main` would create `refs/heads/refs/heads/main`.
fn short_name(branch: &str) -> Result<String, PrepareError> {
    let short = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    if short.is_empty() || short.starts_with("refs/") {
        return Err(PrepareError::NotABranch(branch.to_owned()));
    }
    Ok(short.to_owned())
}

/// The outermost parent. The task scan removes cycles; [`PARENTS_MAX`] guards against a missed one.
fn top_of<'a>(tasks: &'a TaskSet, task: &'a Task) -> &'a Task {
    let mut top = task;
    for _ in 0..PARENTS_MAX {
        match top.parent.as_ref().and_then(|parent| tasks.get(parent)) {
            Some(parent) => top = parent,
            None => break,
        }
    }
    top
}
