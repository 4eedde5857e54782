//! Pushes a task's branch and opens a pull request for it with `gh`.
//!
//! Title and body come from the template `templates/pull-request.md` of the project, if there is one: its first line is
//! the title. Everything that stands against it is found before anything is pushed.

use std::path::{Path, PathBuf};

use crate::lifecycle::launch::prepare::PrepareError;
use crate::lifecycle::launch::template_context::TemplateContext;
use crate::lifecycle::project::Project;
use crate::lifecycle::worktree::clean::MERGED;
use crate::lifecycle::worktree::task_worktree::{self, TaskWorktree};
use crate::lifecycle::worktree::work::{self, WorkError};
use crate::manifest::templates::Templates;
use crate::os::gh;
use crate::os::git;
use crate::plan::clean::{Case, Objection, decide};
use crate::tasks::{self, Task, TaskSet};
use crate::view::work_view::PullRequestView;

/// Below the manifest's folder.
const TEMPLATE: &str = "templates/pull-request.md";
const DEFAULT_TEMPLATE: &str = "{{ task.id }}: {{ task.title }}\n\n{{ task.body }}";
/// Characters of a body; GitHub takes 65,536.
const BODY_MAX: usize = 60_000;

#[derive(Clone, Copy, Debug)]
pub struct PullRequestOptions<'a> {
    /// The branch on the remote; `None`: the task's base.
    pub base: Option<&'a str>,
    pub draft: bool,
}

/// What is pushed and opened.
struct PullRequest<'a> {
    repository: &'a Path,
    worktree: TaskWorktree,
    /// The name of the base on the remote.
    base: String,
    title: String,
    body: String,
    draft: bool,
}

/// Pushes the branch and opens the pull request. Fails with everything that stands against it; without `gh` with the
/// commands to run, and nothing is pushed.
pub fn open(
    project: &Project,
    tasks: &TaskSet,
    task: &Task,
    options: PullRequestOptions<'_>,
) -> Result<PullRequestView, WorkError> {
    let worktree = work::work_of(project, tasks, task)?;
    let repository = project.known_repository()?.folder_for_git();
    let base = match options.base {
        Some(base) => base.to_owned(),
        None => task_worktree::base_of(project, &worktree)?,
    };
    let remote = git::push_remote(repository, &worktree.branch)?;
    let (title, body) = text_of(project, task)?;
    let request = PullRequest { repository, base: base.clone(), worktree, title, body, draft: options.draft };
    let remote = request.inspect(task, remote)?;
    let base = base.strip_prefix("refs/heads/").unwrap_or(&base);
    let request = PullRequest { base: base.strip_prefix(&format!("{remote}/")).unwrap_or(base).to_owned(), ..request };
    let Some(gh) = gh::find() else { return Err(WorkError::NoGh { commands: request.commands(&remote) }) };
    let branch = &request.worktree.branch;
    git::push_branch(repository, &remote, branch)?;
    let opened = gh::run(&gh, &request.arguments(), repository, &request.body);
    let address = opened.map_err(|source| WorkError::Gh { branch: branch.clone(), remote: remote.clone(), source })?;
    Ok(PullRequestView {
        task: task.id.to_string(),
        branch: branch.clone(),
        base: request.base.clone(),
        remote,
        title: request.title.clone(),
        draft: request.draft,
        url: address,
    })
}

/// The title and the body that the template gives.
fn text_of(project: &Project, task: &Task) -> Result<(String, String), WorkError> {
    let Some(mode) = project.manifest.modes.values().next() else { return Err(WorkError::NoWorktrees) };
    let body = tasks::read_body(task).map_err(PrepareError::from)?;
    let context = TemplateContext::new(&project.manifest, mode, task, &body).value();
    let templates = Templates::new(&project.manifest.root);
    let path: PathBuf = project.manifest.root.join(TEMPLATE);
    let text = match path.exists() {
        true => templates.render_file(&path, &context).map(|rendered| rendered.text),
        false => templates.render_inline("the pull request", DEFAULT_TEMPLATE, &context),
    };
    let text = text.map_err(PrepareError::from)?;
    let (title, body) = text.split_once('\n').unwrap_or((text.as_str(), ""));
    let title = title.trim().trim_start_matches("# ").to_owned();
    if title.is_empty() {
        return Err(WorkError::NoTitle(path));
    }
    Ok((title, body.trim().chars().take(BODY_MAX).collect()))
}

impl PullRequest<'_> {
    /// The remote. Fails with every objection.
    fn inspect(&self, task: &Task, remote: Option<String>) -> Result<String, WorkError> {
        let branch = self.worktree.branch.clone();
        let tip = git::resolve(self.repository, &format!("refs/heads/{branch}"))?;
        let Some(tip) = tip else { return Err(WorkError::NoBranch { task: task.id.clone(), branch }) };
        let standing = git::inspect_worktree(self.repository, &self.worktree.path)?;
        let case = Case {
            path: &self.worktree.path,
            branch: &branch,
            base: &self.base,
            root: self.repository,
            standing: &standing,
            branch_look: MERGED,
            runs: &[],
            is_here: false,
        };
        let mut against = decide(&case).err().unwrap_or_default();
        against.retain(Objection::concerns_merge);
        match git::resolve(self.repository, &self.base)? {
            Some(base) if git::is_ancestor(self.repository, &tip, &base)? => {
                let (base, path) = (self.base.clone(), self.worktree.path.clone());
                against.push(Objection::NothingNew { branch: branch.clone(), base, path });
            }
            // A base that is only on the remote may exist.
            _ => {}
        }
        match remote {
            Some(remote) if against.is_empty() => Ok(remote),
            remote => {
                if remote.is_none() {
                    against.push(Objection::NoRemote { repository: self.repository.to_owned() });
                }
                let path = self.worktree.path.clone();
                Err(WorkError::PullRequestRefused { branch, base: self.base.clone(), path, against })
            }
        }
    }

    /// The arguments of `gh`, which reads the body from its input.
    fn arguments(&self) -> Vec<String> {
        let (branch, base) = (self.worktree.branch.as_str(), self.base.as_str());
        let mut words =
            vec!["pr", "create", "--head", branch, "--base", base, "--title", &self.title, "--body-file", "-"];
        if self.draft {
            words.push("--draft");
        }
        words.into_iter().map(str::to_owned).collect()
    }

    /// The commands for a shell that do the same, one line each.
    fn commands(&self, remote: &str) -> Vec<String> {
        let folder = self.repository.display().to_string();
        let push = git::push_arguments(remote, &self.worktree.branch);
        let push = ["git".to_owned(), "-C".to_owned(), folder.clone()].into_iter().chain(push);
        let body = self.body.lines().map(str::to_owned);
        let body = ["printf".to_owned(), "%s\\n".to_owned()].into_iter().chain(body);
        let create = std::iter::once("gh".to_owned()).chain(self.arguments());
        let (push, body, create) = (shell_words::join(push), shell_words::join(body), shell_words::join(create));
        vec![push, format!("cd {} && {body} | {create}", shell_words::quote(&folder))]
    }
}
