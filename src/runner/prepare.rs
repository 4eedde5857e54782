//! From a mode, a task and what was typed to everything a run needs, without starting or writing
//! anything: what `render` and `-n` show is what `run` does.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::agent;
use crate::manifest::templates::Templates;
use crate::manifest::{Mode, PromptSource, stays_below};
use crate::model::conditions::Conditions;
use crate::model::freshness::Tracked;
use crate::model::interval::Interval;
use crate::model::names::{Pair, TaskId};
use crate::model::problem::Problem;
use crate::model::protocol::{Delivery, Protocol};
use crate::model::run_id::RunId;
use crate::model::run_spec::{Expect, Keep, RunKind, WorktreeSpec};
use crate::runner::project::{NameLookupError, Project};
use crate::runner::template_context::Context;
use crate::system::environment::{self, Environment};
use crate::system::git;
use crate::system::ids;
use crate::system::process::enclosure::Enclosure;
use crate::system::process::program::{self, ProgramError};
use crate::system::store::run_folder::MAX_PROMPT;
use crate::tasks::{self, Task, TaskSet};

/// Linux refuses one argument of this many bytes, its closing NUL included.
const MAX_ARGUMENT: usize = 128 * 1024;

/// What was asked for one pair.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `--prompt`, as bytes: any but NUL.
    pub prompt: Option<Vec<u8>>,
    pub extras: Vec<String>,
    /// `-B`.
    pub force: bool,
    /// `--save-to`, in place of the mode's.
    pub save_to: Option<PathBuf>,
    /// `-j`: lowers the manifest's `jobs`.
    pub jobs: Option<u32>,
    /// `--resume`: the run whose conversation this one goes on in, and that conversation.
    pub resume: Option<(RunId, String)>,
    /// The folder where that conversation is known, in place of the mode's.
    pub cwd: Option<PathBuf>,
}

/// Everything a start needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    pub pair: Pair,
    pub manifest: PathBuf,
    pub program: PathBuf,
    /// `argv[0]` first, without the prompt.
    pub argv: Vec<String>,
    pub prompt: Option<Vec<u8>>,
    pub given: Option<Vec<u8>>,
    pub delivery: Delivery,
    pub dash_dash: bool,
    pub cwd: PathBuf,
    pub protocol: Protocol,
    pub stop_grace: Interval,
    pub session_id: Option<String>,
    pub extras: Vec<String>,
    pub environment: Environment,
    /// Present where the run makes a worktree that is not there yet, or whose set-up did not succeed.
    pub worktree: Option<WorktreeSpec>,
    /// The run whose conversation it goes on in.
    pub resumes: Option<RunId>,
    /// `up` starts it, for an entry of `runs:`.
    pub by_up: bool,
    /// When it started the pair again, with this start.
    pub restarts: Vec<Timestamp>,
    /// A hash of all that this was prepared from, where it is known.
    pub basis: Option<String>,
    pub conditions: Conditions,
    pub kind: RunKind,
    pub keep: Keep,
}

/// Why a run cannot be prepared. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error(transparent)]
    Name(#[from] NameLookupError),
    /// A mistake in a template, a task file or the manifest.
    #[error("{}", .0.message)]
    Problem(Box<Problem>),
    #[error("the agent of mode `{mode}` cannot be started: {source}")]
    Program { mode: String, source: ProgramError },
    #[error("the agent `{agent}` has no {} form, which mode `{mode}` needs", if *.interactive { "`interactive`" } else { "`headless`" })]
    AgentForm { mode: String, agent: String, interactive: bool },
    #[error("the folder `{}` does not exist", .0.display())]
    MissingFolder(PathBuf),
    #[error("the worktree `{}` of task `{task}` does not exist", .path.display())]
    MissingWorktree { task: TaskId, path: PathBuf, branch: String, base: String },
    #[error("`{}` is not a git worktree", .0.display())]
    NotAWorktree(PathBuf),
    #[error("`{field}` leads out of the run's folder: `{}`", .path.display())]
    LeadsOut { field: &'static str, path: PathBuf },
    #[error("the {what} holds a NUL byte")]
    Nul { what: &'static str },
    #[error("the prompt is {bytes} bytes long; at most {MAX_PROMPT} are allowed")]
    PromptTooLong { bytes: usize },
    #[error("the prompt is {bytes} bytes long, and one argument holds at most {}", MAX_ARGUMENT - 1)]
    ArgumentTooLong { bytes: usize },
    #[error("`{option}` is for headless modes, and `{mode}` is interactive")]
    HeadlessOnly { option: &'static str, mode: String },
    #[error("the agent of mode `{mode}` has no conversation to go on in")]
    CannotResume { mode: String },
    #[error("a limit on processes needs a cgroup, and none can be had here")]
    NoProcessLimit,
}

impl From<Problem> for PrepareError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl Project {
    /// Prepares one run of `mode` on `task`.
    pub fn prepare(
        &self,
        tasks: &TaskSet,
        mode: &Mode,
        task: &Task,
        request: &Request,
    ) -> Result<Prepared, PrepareError> {
        if request.prompt.as_ref().is_some_and(|prompt| prompt.contains(&0)) {
            return Err(PrepareError::Nul { what: "prompt" });
        }
        if request.extras.iter().any(|extra| extra.contains('\0')) {
            return Err(PrepareError::Nul { what: "argument" });
        }
        let body = tasks::read_body(task)?;
        let templates = Templates::new(&self.manifest.root);
        let worktree = worktree_of(self, tasks, mode, task)?;
        let mut context = Context::new(&self.manifest, mode, task, &body);
        context.extras.clone_from(&request.extras);
        if let Some(worktree) = &worktree {
            context.worktree.insert("path", worktree.path.display().to_string());
            context.worktree.insert("branch", worktree.branch.clone());
        }
        // What a subtask file says to do, unless something else was typed.
        let declared = task.declared.as_ref().and_then(|declared| declared.prompt.as_ref());
        let prompt_words = request.prompt.as_deref().or(declared.map(String::as_bytes));
        let placeholder = Placeholder::for_prompt(prompt_words);
        context.prompt.clone_from(&placeholder.text);
        let value = context.value();
        let inline = |what: &str, source: &str| {
            templates.render_inline(&format!("{what} of mode `{}`", mode.name), source, &value)
        };

        let (cwd, to_make) = match &request.cwd {
            Some(cwd) if !cwd.is_dir() => return Err(PrepareError::MissingFolder(cwd.clone())),
            Some(cwd) => (cwd.clone(), None),
            None => self.folder_of(mode, task, worktree, &inline)?,
        };
        // A conversation that goes on has been told its mode's prompt: only what was typed is new,
        // and a headless agent, which must be told something, is asked again.
        let prompt = match (&request.resume, &request.prompt) {
            (Some(_), Some(typed)) => Some(typed.clone()),
            (Some(_), None) if mode.interactive => None,
            _ => prompt_of(mode, task, prompt_words, &templates, &value, &placeholder)?,
        };
        if let Some(prompt) = &prompt {
            if prompt.len() as u64 > MAX_PROMPT {
                return Err(PrepareError::PromptTooLong { bytes: prompt.len() });
            }
            if prompt.contains(&0) {
                return Err(PrepareError::Nul { what: "prompt" });
            }
        }

        let agent = self.manifest.agents.get(&mode.agent);
        let base = agent.and_then(|agent| agent.argv(mode.interactive));
        let (Some(agent), Some(base)) = (agent, base) else {
            return Err(PrepareError::AgentForm {
                mode: mode.name.to_string(),
                agent: mode.agent.clone(),
                interactive: mode.interactive,
            });
        };
        let flags = mode.flags.iter().map(|flag| inline("flag", flag)).collect::<Result<Vec<_>, _>>()?;
        if flags.iter().any(|flag| flag.contains('\0')) {
            return Err(PrepareError::Nul { what: "flag" });
        }
        let pair = Pair { mode: mode.name.clone(), task: task.id.clone() };
        let resumed = request.resume.as_ref().map(|(_, session)| session.clone());
        if resumed.is_some() && agent.protocol != Protocol::Claude {
            return Err(PrepareError::CannotResume { mode: mode.name.to_string() });
        }
        let fresh = || (agent.protocol == Protocol::Claude).then(ids::new_session_id);
        let session_id = resumed.clone().or_else(fresh);
        let label = pair.label();
        let ours = agent::Ours {
            session_id: session_id.as_deref(),
            resume: resumed.as_deref(),
            max_budget_usd: self.manifest.budget.run.filter(|_| !mode.interactive),
            label: &label,
        };
        let mut argv = agent::compose_argv(agent.protocol, base, &flags, &request.extras, &ours);

        let delivery = delivery_of(agent, mode, prompt.as_deref())?;
        let environment = self.environment_of(mode, agent.protocol);
        let path = environment.get(std::ffi::OsStr::new("PATH")).map(OsString::as_os_str);
        let program = program::find(&argv[0], path, &self.manifest.root)
            .map_err(|source| PrepareError::Program { mode: mode.name.to_string(), source })?;
        if argv[0].contains('/') {
            // A relative program is relative to the manifest, not to whatever folder the run is in.
            argv[0] = program.display().to_string();
        }
        let kind = self.kind_of(mode, request, &environment, &inline)?;
        let conditions = Conditions {
            after: Vec::new(),
            gate: mode.gate || task.declared.as_ref().is_some_and(|declared| declared.gate),
            exclusive: mode.exclusive,
            budget_day: self.manifest.budget.day,
        };
        Ok(Prepared {
            pair,
            manifest: self.manifest.path.clone(),
            program,
            argv,
            prompt,
            given: request.prompt.clone(),
            delivery,
            dash_dash: delivery == Delivery::Arg && agent::prompt_needs_dash_dash(agent.protocol),
            cwd,
            protocol: agent.protocol,
            stop_grace: mode.stop_grace,
            session_id,
            extras: request.extras.clone(),
            environment,
            worktree: to_make,
            resumes: request.resume.as_ref().map(|(run, _)| run.clone()),
            by_up: false,
            restarts: Vec::new(),
            basis: None,
            conditions,
            kind,
            keep: Keep {
                runs_per_pair: self.manifest.retention.runs_per_pair,
                max_age: self.manifest.retention.max_age,
            },
        })
    }

    /// The run's folder, and the worktree where it has to be made or set up first.
    fn folder_of(
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
                to_make = Some(WorktreeSpec {
                    repository: self.manifest.root.clone(),
                    path: worktree.path,
                    branch: worktree.branch,
                    base: worktree.base,
                    copy: worktree.copy,
                    setup: worktree.setup,
                });
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

    fn environment_of(&self, mode: &Mode, protocol: Protocol) -> Environment {
        let mut environment = environment::passed(&self.manifest.pass_env);
        for (name, value) in agent::default_env(protocol, !mode.interactive) {
            environment.insert((*name).into(), (*value).into());
        }
        for (name, value) in self.manifest.env.iter().chain(&mode.env) {
            environment.insert(name.into(), value.into());
        }
        environment
    }

    fn kind_of(
        &self,
        mode: &Mode,
        request: &Request,
        environment: &Environment,
        inline: &impl Fn(&str, &str) -> Result<String, Problem>,
    ) -> Result<RunKind, PrepareError> {
        if mode.interactive {
            if request.save_to.is_some() {
                return Err(PrepareError::HeadlessOnly { option: "--save-to", mode: mode.name.to_string() });
            }
            return Ok(RunKind::Interactive {
                socket: self.tmux().socket().to_owned(),
                session: self.manifest.session.clone(),
                cleanup_on_exit: mode.cleanup_on_exit,
            });
        }
        let below = |field, path: PathBuf| {
            if stays_below(&path) { Ok(path) } else { Err(PrepareError::LeadsOut { field, path }) }
        };
        let save_to = match (&request.save_to, &mode.save_to) {
            (Some(path), _) => Some(below("--save-to", path.clone())?),
            (None, Some(template)) => Some(below("save_to", PathBuf::from(inline("save_to", template)?))?),
            (None, None) => None,
        };
        let mut files = Vec::new();
        for file in &mode.expect.files {
            files.push(below("expect.files", PathBuf::from(inline("expected file", file)?))?);
        }
        let command =
            mode.expect.command.iter().map(|word| inline("expected command", word)).collect::<Result<_, _>>()?;
        if mode.limits.processes.is_some() && Enclosure::probe(&mode.limits, environment).is_none() {
            return Err(PrepareError::NoProcessLimit);
        }
        Ok(RunKind::Headless {
            slots: request.jobs.unwrap_or(u32::MAX).min(self.manifest.jobs).max(1),
            timeout: mode.timeout,
            log_max: mode.log_max,
            limits: mode.limits.clone(),
            save_to,
            expect: Expect { non_empty: mode.expect.non_empty, files, command },
            retry: mode.retry.clone(),
            tracked: match mode.sources.is_empty() {
                true => None,
                false => {
                    let patterns = |field, templates: &[String]| {
                        let rendered = templates.iter().map(|template| Ok(PathBuf::from(inline(field, template)?)));
                        let below = rendered.map(|path: Result<_, Problem>| below(field, path?));
                        below.map(|path| Ok(path?.display().to_string())).collect::<Result<Vec<_>, PrepareError>>()
                    };
                    Some(Tracked {
                        sources: patterns("sources", &mode.sources)?,
                        generates: patterns("generates", &mode.generates)?,
                    })
                }
            },
        })
    }
}

/// A task's worktree by the manifest's `worktree:`, whether it is there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskWorktree {
    pub path: PathBuf,
    pub branch: String,
    pub base: String,
    pub create: bool,
    copy: Vec<PathBuf>,
    setup: Vec<String>,
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

/// Stands in a template for a prompt that is not UTF-8, and is replaced byte for byte afterwards.
struct Placeholder {
    text: String,
    bytes: Option<Vec<u8>>,
}

impl Placeholder {
    fn for_prompt(prompt: Option<&[u8]>) -> Self {
        match prompt.map(std::str::from_utf8) {
            None => Self { text: String::new(), bytes: None },
            Some(Ok(text)) => Self { text: text.to_owned(), bytes: None },
            Some(Err(_)) => {
                Self { text: format!("\u{e000}{}\u{e000}", ids::new_run_id()), bytes: prompt.map(<[u8]>::to_vec) }
            }
        }
    }

    fn fill(&self, text: String) -> Vec<u8> {
        let Some(bytes) = &self.bytes else { return text.into_bytes() };
        let mut out = Vec::with_capacity(text.len() + bytes.len());
        let mut parts = text.split(&self.text);
        out.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
        for part in parts {
            out.extend_from_slice(bytes);
            out.extend_from_slice(part.as_bytes());
        }
        out
    }
}

fn prompt_of(
    mode: &Mode,
    task: &Task,
    words: Option<&[u8]>,
    templates: &Templates,
    value: &minijinja::Value,
    placeholder: &Placeholder,
) -> Result<Option<Vec<u8>>, PrepareError> {
    let given = words.is_some();
    // Where the template does not use the prompt, it follows after a blank line.
    let with_prompt = |text: String, used: bool| match given && !used {
        true => format!("{}\n\n{}", text.trim_end_matches('\n'), placeholder.text),
        false => text,
    };
    let text = match &mode.prompt {
        PromptSource::None => return Ok(words.map(<[u8]>::to_vec)),
        PromptSource::Inline(source) => {
            let text = templates.render_inline(&format!("prompt of mode `{}`", mode.name), source, value)?;
            with_prompt(text, templates.uses_prompt(source))
        }
        PromptSource::Template(path) => {
            let rendered = templates.render_file(path, value)?;
            with_prompt(rendered.text, rendered.used_prompt)
        }
        PromptSource::Command { name, .. } if given => format!("/{name} {} {}", task.id, placeholder.text),
        PromptSource::Command { name, .. } => format!("/{name} {}", task.id),
    };
    Ok(Some(placeholder.fill(text)))
}

fn delivery_of(agent: &crate::manifest::Agent, mode: &Mode, prompt: Option<&[u8]>) -> Result<Delivery, PrepareError> {
    let Some(prompt) = prompt else { return Ok(Delivery::None) };
    let wanted = if mode.interactive { agent.prompt_interactive } else { agent.prompt_headless };
    if wanted != Delivery::Arg || prompt.len() < MAX_ARGUMENT {
        return Ok(wanted);
    }
    match agent.protocol {
        // Measured: with a terminal as output it takes a prompt from standard input and then the
        // keyboard from the terminal.
        Protocol::Claude => Ok(Delivery::Stdin),
        Protocol::Text => Err(PrepareError::ArgumentTooLong { bytes: prompt.len() }),
    }
}
