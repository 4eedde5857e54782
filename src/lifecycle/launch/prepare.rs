//! From a mode, a task and a request to everything a run needs. Starts and writes nothing, so that `render` and `-n`
//! show exactly what `run` does.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use crate::agents::{self, AgentProtocol, LaunchOptions};
use crate::lifecycle::launch::overrides;
pub use crate::lifecycle::launch::prepare_error::PrepareError;
use crate::lifecycle::launch::prompt::{self, Placeholder};
use crate::lifecycle::launch::request::{Conversation, StartRequest};
use crate::lifecycle::launch::template_context::TemplateContext;
use crate::lifecycle::project::Project;
use crate::lifecycle::worktree::task_worktree;
use crate::lifecycle::worktree::task_worktree::{TaskWorktree, worktree_of};
use crate::manifest::templates::Templates;
use crate::manifest::{Agent, Mode, stays_below};
use crate::model::conditions::Conditions;
use crate::model::freshness::Tracked;
use crate::model::names::Pair;
use crate::model::problem::Problem;
use crate::model::protocol::PromptDelivery;
use crate::model::run_id::RunId;
use crate::model::run_spec::{Expect, JobSpec, Keep, LaunchSpec, RunKind, WindowSpec, WorktreeSpec};
use crate::model::started_by::StartedBy;
use crate::os::environment::{self, Environment};
use crate::os::ids;
use crate::os::process::program;
use crate::os::process::resource_scope::ResourceScope;
use crate::store::run_folder::MAX_PROMPT;
use crate::tasks::{self, Task, TaskBody, TaskSet};

/// Everything a start needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    pub pair: Pair,
    pub prompt: Option<Vec<u8>>,
    pub given: Option<Vec<u8>>,
    pub environment: Environment,
    /// The variables given for this run only (`-e`), which are part of `environment`.
    pub given_env: BTreeMap<String, OsString>,
    /// The variables of the manifest's `env:` and the mode's, which are part of `environment`.
    pub declared_env: BTreeMap<String, String>,
    /// The names of `pass_env:`.
    pub pass_env: BTreeSet<String>,
    /// The task's worktree as the manifest declares it, whether it exists or not.
    pub declared_worktree: Option<WorktreeSpec>,
    /// Planned by `up`: the pair's newest run at that time. The run is not started if a newer one was meanwhile.
    pub planned_after: Option<Option<RunId>>,
    pub launch: LaunchSpec,
}

impl Deref for Prepared {
    type Target = LaunchSpec;

    fn deref(&self) -> &LaunchSpec {
        &self.launch
    }
}

impl DerefMut for Prepared {
    fn deref_mut(&mut self) -> &mut LaunchSpec {
        &mut self.launch
    }
}

/// Prepares one run of `mode` on `task`; `conversation` is the one that it continues.
pub fn prepare(
    project: &Project,
    tasks: &TaskSet,
    mode: &Mode,
    task: &Task,
    request: &StartRequest,
    conversation: Option<&Conversation>,
) -> Result<Prepared, PrepareError> {
    check_request(project, mode, request, conversation)?;
    let pair = Pair { mode: mode.name.clone(), task: task.id.clone() };
    let body = tasks::read_body(task)?;
    let templates = Templates::new(&project.manifest.root);
    let worktree = worktree_of(project, tasks, mode, task)?;
    let declared_worktree = worktree.as_ref().map(|worktree| task_worktree::worktree_spec(project, worktree));
    let mut context = context_of(project, mode, task, &body, request, worktree.as_ref());
    let prompt_words = request.prompt.as_deref().or(declared_prompt(task));
    let placeholder = Placeholder::for_prompt(prompt_words);
    context.prompt.clone_from(&placeholder.text);
    let value = context.value();
    let inline =
        |what: &str, source: &str| templates.render_inline(&format!("{what} of mode `{}`", mode.name), source, &value);

    let (cwd, worktree_to_create) = match conversation.and_then(|known| Some((known, known.cwd.as_ref()?))) {
        Some((known, cwd)) if !cwd.is_dir() => {
            return Err(task_worktree::missing_folder(project, cwd, pair, &known.run, worktree.as_ref()));
        }
        Some((_, cwd)) => (cwd.clone(), None),
        None => task_worktree::folder_of(project, mode, task, worktree, &inline)?,
    };
    let rendered = || prompt::of(mode, task, prompt_words, &templates, &value, &placeholder);
    let prompt = prompt_of(mode, request, conversation.is_some(), rendered)?;
    let (agent, base) = agent_of(project, mode)?;
    let protocol = agents::of(agent.protocol);
    let can = protocol.capabilities();
    let resumed = conversation.map(|known| known.session.as_str());
    let session_id = resumed.map(str::to_owned).or_else(|| can.chooses_session_id.then(ids::new_session_id));
    let (label, flags) = (pair.label(), flags_of(mode, agent, request, &inline)?);
    let options = LaunchOptions { label: &label, ..options_of(project, mode, session_id.as_deref(), resumed) };
    let mut argv = protocol.argv(base, &flags, &request.extras, &options);
    let delivery = prompt::delivery(agent, mode, prompt.as_deref())?;
    let environment = environment_of(project, mode, protocol, request);
    let program = find_program(project, mode, &mut argv, &environment)?;
    let launch = LaunchSpec {
        manifest: project.manifest.path.clone(),
        program,
        argv,
        delivery,
        dash_dash: delivery == PromptDelivery::Arg && can.prompt_needs_dash_dash,
        cwd,
        protocol: agent.protocol,
        agent: Some(mode.agent.clone()),
        started_by: request.started_by.or(Some(StartedBy::Cli)),
        stop_grace: mode.stop_grace,
        session_id,
        extras: request.extras.clone(),
        overrides: overrides::recorded(request),
        resumes: conversation.map(|known| known.run.clone()),
        by_up: false,
        restarts: Vec::new(),
        spec_fingerprint: None,
        not_passed: environment::not_passed(protocol.login_variables(), &environment),
        conditions: conditions_of(project, mode, task),
        worktree: worktree_to_create,
        kind: kind_of(project, mode, request, &environment, &inline)?,
        keep: keep_of(project),
    };
    Ok(Prepared {
        pair,
        prompt,
        given: request.prompt.clone(),
        environment,
        given_env: request.given_env.clone(),
        declared_env: declared_env(project, mode),
        pass_env: project.manifest.pass_env.iter().cloned().collect(),
        declared_worktree,
        planned_after: None,
        launch,
    })
}

/// The variables of the mode's templates, without the prompt.
fn context_of<'a>(
    project: &'a Project,
    mode: &'a Mode,
    task: &'a Task,
    body: &'a TaskBody,
    request: &StartRequest,
    worktree: Option<&TaskWorktree>,
) -> TemplateContext<'a> {
    let mut context = TemplateContext::new(&project.manifest, mode, task, body).with_vars(&request.overrides.vars);
    context.extras.clone_from(&request.extras);
    if let Some(worktree) = worktree {
        context.worktree.insert("path", worktree.path.display().to_string());
        context.worktree.insert("branch", worktree.branch.clone());
    }
    context
}

/// A continued conversation already contains the mode's prompt, so only the typed text is sent. A headless agent
/// needs a prompt: without typed text it gets the mode's again.
fn prompt_of(
    mode: &Mode,
    request: &StartRequest,
    continues: bool,
    rendered: impl FnOnce() -> Result<Option<Vec<u8>>, PrepareError>,
) -> Result<Option<Vec<u8>>, PrepareError> {
    let prompt = match &request.prompt {
        Some(typed) if continues => Some(typed.clone()),
        None if continues && mode.form.has_window() => None,
        _ => rendered()?,
    };
    check_prompt(prompt.as_deref())?;
    Ok(prompt)
}

/// The prompt of a subtask file, used if none was typed.
fn declared_prompt(task: &Task) -> Option<&[u8]> {
    task.declared.as_ref().and_then(|declared| declared.prompt.as_ref()).map(String::as_bytes)
}

/// The mode's flags and the words for the model of the request.
fn flags_of(
    mode: &Mode,
    agent: &Agent,
    request: &StartRequest,
    inline: &impl Fn(&str, &str) -> Result<String, Problem>,
) -> Result<Vec<String>, PrepareError> {
    let mut flags = mode.flags.iter().map(|flag| inline("flag", flag)).collect::<Result<Vec<_>, _>>()?;
    if flags.iter().any(|flag| flag.contains('\0')) {
        return Err(PrepareError::Nul { what: "flag" });
    }
    flags.extend(overrides::model_words(agent, request));
    Ok(flags)
}

fn options_of<'a>(
    project: &Project,
    mode: &Mode,
    session_id: Option<&'a str>,
    resume: Option<&'a str>,
) -> LaunchOptions<'a> {
    let max_budget_usd = project.manifest.budget.run.filter(|_| mode.form.is_job());
    LaunchOptions { session_id, resume, max_budget_usd, label: "" }
}

fn keep_of(project: &Project) -> Keep {
    let retention = &project.manifest.retention;
    Keep { runs_per_pair: retention.runs_per_pair, max_age: retention.max_age }
}

/// Fails on a NUL byte, which a program argument cannot contain, and on what the mode or its agent cannot honour.
fn check_request(
    project: &Project,
    mode: &Mode,
    request: &StartRequest,
    conversation: Option<&Conversation>,
) -> Result<(), PrepareError> {
    if request.prompt.as_ref().is_some_and(|prompt| prompt.contains(&0)) {
        return Err(PrepareError::Nul { what: "prompt" });
    }
    if request.extras.iter().any(|extra| extra.contains('\0')) {
        return Err(PrepareError::Nul { what: "argument" });
    }
    let protocol = project.manifest.agents.get(&mode.agent).map(|agent| agents::of(agent.protocol));
    if conversation.is_some() && protocol.is_some_and(|protocol| !protocol.capabilities().resume) {
        return Err(PrepareError::CannotResume { mode: mode.name.to_string() });
    }
    overrides::check(&project.manifest, mode, request)
}

fn check_prompt(prompt: Option<&[u8]>) -> Result<(), PrepareError> {
    let prompt = prompt.unwrap_or_default();
    if prompt.len() as u64 > MAX_PROMPT {
        return Err(PrepareError::PromptTooLong { bytes: prompt.len() });
    }
    if prompt.contains(&0) { Err(PrepareError::Nul { what: "prompt" }) } else { Ok(()) }
}

/// The mode's agent, and its command in the form that the mode needs.
fn agent_of<'a>(project: &'a Project, mode: &Mode) -> Result<(&'a Agent, &'a [String]), PrepareError> {
    let agent = project.manifest.agents.get(&mode.agent);
    let found = agent.and_then(|agent| Some((agent, agent.argv(mode.form)?)));
    found.ok_or_else(|| PrepareError::AgentForm {
        mode: mode.name.to_string(),
        agent: mode.agent.clone(),
        form: mode.form,
    })
}

/// The agent's program. A path is relative to the manifest's folder, not to the run's.
fn find_program(
    project: &Project,
    mode: &Mode,
    argv: &mut [String],
    environment: &Environment,
) -> Result<PathBuf, PrepareError> {
    let path = environment.get(std::ffi::OsStr::new("PATH")).map(OsString::as_os_str);
    let program = program::find(&argv[0], path, &project.manifest.root)
        .map_err(|source| PrepareError::Program { mode: mode.name.to_string(), source })?;
    if argv[0].contains('/') {
        argv[0] = program.display().to_string();
    }
    Ok(program)
}

fn conditions_of(project: &Project, mode: &Mode, task: &Task) -> Conditions {
    Conditions {
        after: Vec::new(),
        gate: mode.gate || task.declared.as_ref().is_some_and(|declared| declared.gate),
        exclusive: mode.exclusive,
        budget_day: project.manifest.budget.day,
    }
}

fn environment_of(project: &Project, mode: &Mode, protocol: &dyn AgentProtocol, request: &StartRequest) -> Environment {
    let mut environment = environment::passed(&project.manifest.pass_env);
    for (name, value) in protocol.default_env(mode.form) {
        environment.insert((*name).into(), (*value).into());
    }
    for (name, value) in declared_env(project, mode) {
        environment.insert(name.into(), value.into());
    }
    environment.extend(request.given_env.iter().map(|(name, value)| (name.into(), value.clone())));
    environment
}

/// The manifest's `env:`, overridden by the mode's.
fn declared_env(project: &Project, mode: &Mode) -> BTreeMap<String, String> {
    let all = project.manifest.env.iter().chain(&mode.env);
    all.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn kind_of(
    project: &Project,
    mode: &Mode,
    request: &StartRequest,
    environment: &Environment,
    inline: &impl Fn(&str, &str) -> Result<String, Problem>,
) -> Result<RunKind, PrepareError> {
    if mode.form.has_window() {
        if request.save_to.is_some() {
            return Err(PrepareError::HeadlessOnly { option: "--save-to", mode: mode.name.to_string() });
        }
        return Ok(RunKind::Interactive(WindowSpec {
            socket: project.tmux().socket().to_owned(),
            session: project.manifest.session.clone(),
            cleanup_on_exit: mode.cleanup_on_exit,
        }));
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
    let command = mode.expect.command.iter().map(|word| inline("expected command", word)).collect::<Result<_, _>>()?;
    if mode.limits.processes.is_some() && ResourceScope::probe(&mode.limits, environment).is_none() {
        return Err(PrepareError::NoProcessLimit);
    }
    let executor = mode.executor.as_ref().and_then(|name| project.manifest.executors.get(name));
    Ok(RunKind::Headless(JobSpec {
        slots: request.jobs.unwrap_or(u32::MAX).min(project.manifest.jobs).max(1),
        timeout: request.overrides.timeout.or(mode.timeout),
        exit_grace: mode.exit_grace,
        log_max: mode.log_max,
        limits: mode.limits.clone(),
        save_to,
        expect: Expect { non_empty: mode.expect.non_empty, files, command },
        retry: mode.retry.clone(),
        engine: executor.cloned(),
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
    }))
}
