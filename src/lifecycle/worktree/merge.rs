//! Merges a task's branch into its base, unless something stands against it.
//!
//! The result is computed in a temporary checkout; then the base moves once, from the commit that it was computed for.
//! Holds the worktree's lock exclusively from the last inspection on, so that no run starts in it meanwhile. The
//! task's branch never moves.

use std::path::{Path, PathBuf};

use crate::lifecycle::project::{Project, project_store};
use crate::lifecycle::refresh;
use crate::lifecycle::store::Store;
use crate::lifecycle::worktree::clean::{self, CleanOptions, MERGED};
use crate::lifecycle::worktree::task_worktree::{self, TaskWorktree};
use crate::lifecycle::worktree::work::{self, WorkError};
use crate::model::worktree_look::WorktreeState;
use crate::os::git::{self, MergeInput, MergeOutcome};
use crate::os::process::foreground;
use crate::plan::clean::{Case, Objection, decide};
use crate::store::state_dir::MergeLock;
use crate::tasks::{Task, TaskSet};
use crate::view::work_view::MergeView;

pub use crate::os::git::MergeMethod;

/// Most commits that the message of a squash names.
const SUBJECTS_MAX: usize = 100;

#[derive(Clone, Copy, Debug)]
pub struct MergeOptions<'a> {
    pub method: MergeMethod,
    /// Instead of the task's base.
    pub into: Option<&'a str>,
    /// Whether the worktree and the branch are removed afterwards.
    pub clean: bool,
    /// The user's folder.
    pub here: &'a Path,
}

/// The two sides of a merge.
struct Merge<'a> {
    project: &'a Project,
    task: &'a Task,
    options: MergeOptions<'a>,
    store: Store,
    worktree: TaskWorktree,
    /// Resolved.
    path: PathBuf,
    base: String,
}

/// The commits of both sides.
#[derive(PartialEq, Eq)]
struct Tips {
    branch: String,
    base: String,
}

/// Merges. Fails with everything that stands against it, with the conflict, or if the check fails; then branch and base
/// are as they were.
pub fn merge(
    project: &Project,
    tasks: &TaskSet,
    task: &Task,
    options: MergeOptions<'_>,
) -> Result<MergeView, WorkError> {
    let worktree = work::work_of(project, tasks, task)?;
    let base = match options.into {
        Some(into) => into.to_owned(),
        None => task_worktree::base_of(project, &worktree)?,
    };
    let base = base.strip_prefix("refs/heads/").unwrap_or(&base).to_owned();
    let store = project_store::create(project, None)?;
    let merge = Merge { project, task, options, store, path: git::resolved(&worktree.path), worktree, base };
    let tips = merge.inspect()?;
    if !git::is_ancestor(merge.repository()?, &tips.branch, &tips.base)? {
        merge.check()?;
    }
    // The holder of the lock may have to rebuild the index, which waits until our connection is closed.
    merge.store.close_index();
    let lock = merge.store.state().own_worktree(&merge.path)?;
    let turn = merge.store.state().lock_merge()?;
    let now = merge.inspect()?;
    if now.branch != tips.branch && !merge.worktree.check.is_empty() {
        return Err(WorkError::Unchecked { branch: merge.worktree.branch, task: task.id.clone() });
    }
    let mut view = merge.carry_out(&now, &turn)?;
    drop((lock, turn));
    if options.clean {
        let clean = CleanOptions { here: options.here, dry: false, merged: Some(&now.branch) };
        view.clean = Some(clean::clean(project, tasks, task, clean)?);
    }
    Ok(view)
}

impl Merge<'_> {
    fn repository(&self) -> Result<&Path, WorkError> {
        Ok(self.project.known_repository()?.folder_for_git())
    }

    /// The commits of both sides. Fails with every objection.
    fn inspect(&self) -> Result<Tips, WorkError> {
        let repository = self.repository()?;
        let (task, branch) = (self.task.id.clone(), self.worktree.branch.clone());
        let head = |branch: &str| git::resolve(repository, &format!("refs/heads/{branch}"));
        let Some(tip) = head(&branch)? else { return Err(WorkError::NoBranch { task, branch }) };
        let standing = git::inspect_worktree(repository, &self.worktree.path)?;
        let mut against = self.in_worktree(&standing, repository)?;
        let base = head(&self.base)?;
        if self.base == branch {
            against.push(Objection::BaseIsBranch { branch: branch.clone(), task });
        } else if base.is_none() {
            let exists = git::resolve(repository, &self.base)?.is_some();
            against.push(Objection::NoLocalBase { base: self.base.clone(), exists, task });
        } else if let Some(path) = git::checkout_with(repository, &self.base)? {
            let names = git::changed_files(&path)?;
            if names.count > 0 {
                against.push(Objection::BaseChanged { base: self.base.clone(), names, path });
            }
        }
        match base {
            Some(base) if against.is_empty() => Ok(Tips { branch: tip, base }),
            _ => {
                let (base, path) = (self.base.clone(), self.worktree.path.clone());
                Err(WorkError::MergeRefused { branch, base, path, against })
            }
        }
    }

    /// What stands against it in the worktree and in the runs of the task.
    fn in_worktree(&self, standing: &WorktreeState, root: &Path) -> Result<Vec<Objection>, WorkError> {
        let runs = clean::at_work_in(&self.store, &self.path)?;
        let case = Case {
            path: &self.worktree.path,
            branch: &self.worktree.branch,
            base: &self.base,
            root,
            standing,
            branch_look: MERGED,
            runs: &runs,
            is_here: git::resolved(self.options.here).starts_with(&self.path),
        };
        let mut against = decide(&case).err().unwrap_or_default();
        against.retain(|objection| self.options.clean || objection.concerns_merge());
        if !matches!(standing, WorktreeState::Linked(_)) && !self.worktree.check.is_empty() && against.is_empty() {
            let (path, branch) = (self.worktree.path.clone(), self.worktree.branch.clone());
            against.push(Objection::NothingToCheck { path, branch });
        }
        let observed = refresh::all(&self.store)?;
        let elsewhere = observed.runs.iter().filter(|run| run.is_active() && run.pair().task == self.task.id);
        let elsewhere = elsewhere.filter(|run| !runs.iter().any(|(pair, _)| *pair == run.pair()));
        against.extend(elsewhere.map(|run| Objection::TaskRuns { pair: run.pair(), state: run.state.as_str() }));
        Ok(against)
    }

    /// Runs `worktree.check` in the worktree. Its output goes to our stderr.
    fn check(&self) -> Result<(), WorkError> {
        let words = &self.worktree.check;
        if words.is_empty() {
            return Ok(());
        }
        let folder = work::folder_in(self.project, &self.worktree);
        let ended = match foreground::run_on_stderr(words, &folder) {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => format!("failed ({status})"),
            Err(error) => format!("cannot be started ({error})"),
        };
        Err(WorkError::CheckFailed { branch: self.worktree.branch.clone(), folder, words: words.clone(), ended })
    }

    fn carry_out(&self, tips: &Tips, turn: &MergeLock) -> Result<MergeView, WorkError> {
        let (repository, method) = (self.repository()?, self.options.method);
        let message = self.message(tips)?;
        let outcome = git::compute_merge(MergeInput {
            repository,
            scratch: &turn.checkout,
            base: &tips.base,
            branch: &tips.branch,
            method,
            message: &message,
        })?;
        let (word, to) = match outcome {
            MergeOutcome::Nothing => ("none", tips.base.clone()),
            MergeOutcome::FastForward => ("fast-forward", tips.branch.clone()),
            MergeOutcome::Made(commit) => (word(method), commit),
            MergeOutcome::Conflict(files) => {
                let (branch, base) = (self.worktree.branch.clone(), self.base.clone());
                return Err(WorkError::Conflict { branch, base, path: self.worktree.path.clone(), files });
            }
        };
        let commits = git::count_commits(repository, &tips.base, &tips.branch)?;
        let mut checkout = None;
        if to != tips.base {
            let reason = format!("dispatch merge {}", self.task.id);
            checkout = git::advance_branch(repository, &self.base, (&tips.base, &to), &reason)?;
        }
        let submodules_moved = checkout.is_some() && git::changes_submodules(repository, &tips.base, &to)?;
        Ok(MergeView {
            task: self.task.id.to_string(),
            branch: self.worktree.branch.clone(),
            branch_commit: tips.branch.clone(),
            base: self.base.clone(),
            method: word,
            from: tips.base.clone(),
            to,
            commits,
            checkout,
            submodules_moved,
            clean: None,
        })
    }

    /// The message of a new commit.
    fn message(&self, tips: &Tips) -> Result<String, WorkError> {
        if self.options.method != MergeMethod::Squash {
            return Ok(format!("Merge branch '{}' into {}", self.worktree.branch, self.base));
        }
        let subjects = git::subjects(self.repository()?, &tips.base, &tips.branch, SUBJECTS_MAX)?;
        let list: String = subjects.iter().map(|subject| format!("* {subject}\n")).collect();
        let title = if self.task.title.is_empty() { "squashed" } else { &self.task.title };
        Ok(format!("{}: {title}\n\n{list}", self.task.id))
    }
}

fn word(method: MergeMethod) -> &'static str {
    match method {
        MergeMethod::Merge => "merge",
        MergeMethod::Squash => "squash",
        MergeMethod::Rebase => "rebase",
    }
}
