//! Checks whether worktrees can be created: the repository, the base, the parent folder, `copy` and submodules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::lifecycle::doctor::{Finding, quote};
use crate::lifecycle::project::Project;
use crate::lifecycle::worktree::task_worktree;
use crate::lifecycle::worktree::work::{self, WorkError};
use crate::os::folder;
use crate::os::git::{self, Base, GitError, Repository};

const WHAT: &str = "worktrees";

pub(super) fn examine(project: Option<&Project>) -> Vec<Finding> {
    let Some(project) = project.filter(|project| project.manifest.worktree.is_some()) else { return Vec::new() };
    if git::version().is_err() {
        return Vec::new();
    }
    let root = &project.manifest.root;
    let Some(repository) = &project.repository else {
        let found = format!("`{}` is in no git repository", root.display());
        return vec![Finding::fail(WHAT, found, format!("git init {}", quote(root)))];
    };
    let tasks = project.tasks();
    let mut bases: BTreeSet<String> = BTreeSet::new();
    let mut parents: BTreeSet<PathBuf> = BTreeSet::new();
    for task in tasks.tasks() {
        match work::work_of(project, &tasks, task) {
            Ok(worktree) => {
                match task_worktree::base_of(project, &worktree) {
                    Ok(base) => bases.insert(base),
                    Err(error) => return vec![Finding::fail(WHAT, error.to_string(), "dispatch check")],
                };
                parents.extend(worktree.path.parent().map(Path::to_owned));
            }
            Err(WorkError::Several { .. }) => {}
            Err(error) => return vec![Finding::fail(WHAT, error.to_string(), "dispatch check")],
        }
    }
    let mut findings: Vec<Finding> = bases.iter().filter_map(|base| base_finding(project, repository, base)).collect();
    // One finding is enough if each task has its own parent folder.
    let closed = parents.iter().filter_map(|folder| folder::nearest(folder)).find(|path| !folder::is_writable(path));
    findings.extend(closed.map(|path| {
        let found = format!("nothing can be written into `{}`", path.display());
        Finding::fail(WHAT, found, format!("chmod u+w {}", quote(&path)))
    }));
    findings.extend(submodules_finding(project, repository));
    findings.extend(copy_findings(project));
    if findings.is_empty() {
        let bases: Vec<&str> = bases.iter().map(String::as_str).collect();
        let found = match bases.as_slice() {
            [] => "a git repository; no task needs one yet".to_owned(),
            bases => format!("can be made from {}", bases.join(", ")),
        };
        findings.push(Finding::ok(WHAT, found));
    }
    findings
}

fn base_finding(project: &Project, repository: &Repository, base: &str) -> Option<Finding> {
    let root = repository.folder_for_git();
    match Base::find(root, base) {
        Ok(_) => behind_finding(project, root, base),
        Err(GitError::NoBase { .. }) if matches!(git::resolve(root, "HEAD"), Ok(None)) => {
            let fix = format!("git -C {} commit --allow-empty -m start", quote(root));
            Some(Finding::fail(WHAT, "the repository has no commit yet", fix))
        }
        Err(error) => {
            let fix = format!("git -C {} branch {base}; or set `worktree.base`", quote(root));
            Some(Finding::fail(WHAT, error.to_string(), fix))
        }
    }
}

/// A warning if the base is behind its upstream: new branches would start from an old commit.
fn behind_finding(project: &Project, root: &Path, base: &str) -> Option<Finding> {
    let settings = project.manifest.worktree.as_ref()?;
    // With `fetch`, new branches start from the remote's branch.
    if !settings.create || settings.fetch {
        return None;
    }
    let behind = git::behind(root, base).ok()??;
    let is_here = git::branch_of(root).is_ok_and(|branch| branch.as_deref() == Some(base));
    let upstream = &behind.upstream;
    let update = match is_here {
        true => format!("git -C {} merge --ff-only {upstream}", quote(root)),
        false => format!("git -C {} fetch . {upstream}:{base}", quote(root)),
    };
    Some(Finding::warn(WHAT, format!("`{base}` is {behind}"), format!("{update}; or set `worktree.fetch: true`")))
}

fn submodules_finding(project: &Project, repository: &Repository) -> Option<Finding> {
    let settings = project.manifest.worktree.as_ref().filter(|settings| settings.create)?;
    (settings.submodules.is_none() && git::has_submodules(repository.folder_for_git())).then(|| {
        let found = "the repository has submodules, which stay empty in a new worktree";
        Finding::warn(WHAT, found, "write `submodules: true` (or `false`) below `worktree:`")
    })
}

/// Warnings for entries of `copy` that match nothing.
fn copy_findings(project: &Project) -> Vec<Finding> {
    let root = &project.manifest.root;
    let entries =
        project.manifest.worktree.iter().filter(|settings| settings.create).flat_map(|settings| &settings.copy);
    let finding = |entry: &String| match git::named_in(root, entry.as_ref()) {
        Ok(named) if named.is_empty() => {
            let found = format!("`{entry}` (`worktree.copy`) matches nothing in `{}`", root.display());
            Some(Finding::warn(WHAT, found, "make the file, or remove the entry"))
        }
        Ok(_) => None,
        Err(error) => Some(Finding::fail(WHAT, error.to_string(), "correct `worktree.copy`")),
    };
    entries.filter_map(finding).collect()
}
