//! What a person asks for, done in a thread of its own: the functions of the commands, and their result in words.

use std::sync::Arc;

use crate::lifecycle::failure::Failure;
use crate::lifecycle::launch::request::{Resume, StartRequest};
use crate::lifecycle::queue::approve::{self, GateDecision, RejectReason};
use crate::lifecycle::reconcile::up::UpRequest;
use crate::lifecycle::restart;
use crate::lifecycle::stop::{self, StopKind, Stopped};
use crate::lifecycle::summary::attention;
use crate::lifecycle::window::send;
use crate::model::message::Message as AgentMessage;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::started_by::StartedBy;
use crate::snapshot::Live;
use crate::tui::message::{Message, MessageSender};
use crate::view::amounts::count_of_changes;
use crate::view::plan_view::PlanView;
use crate::worker::{WorkerFailure, WorkerPool, WorkerRequest};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    /// An empty prompt adds nothing to the mode's.
    Start {
        mode: String,
        task: String,
        prompt: String,
        resume: bool,
    },
    Restart(Pair),
    Stop(Pair),
    Approve(Pair),
    Reject {
        pair: Pair,
        reason: String,
    },
    Send {
        run: Box<Run>,
        text: String,
    },
    /// The person has looked at an ended run.
    Seen(Box<Run>),
    Plan,
    Apply {
        plan_id: String,
    },
}

#[derive(Debug)]
pub(super) struct ActDone {
    pub(super) act: Act,
    pub(super) result: Result<ActResult, ActFailure>,
}

#[derive(Debug)]
pub(super) enum ActResult {
    /// What happened, in a sentence; empty if there is nothing to say.
    Said(String),
    /// What happened, and the run that the person wants to see.
    Started(String, Option<RunId>),
    Plan(PlanView),
    /// Nothing was applied: the plan is another one by now.
    PlanChanged(PlanView),
}

#[derive(Debug)]
pub(super) struct ActFailure {
    pub(super) message: String,
    pub(super) hints: Vec<String>,
}

/// Performs acts, one thread for each.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub(super) live: Arc<Live>,
    pub(super) workers: Arc<WorkerPool>,
    pub(super) sender: MessageSender,
}

impl Actor {
    /// Begins an act; its result comes as a message.
    pub(super) fn begin(&self, act: Act) {
        let actor = self.clone();
        let failed = act.clone();
        let begun = std::thread::Builder::new().name("act".to_owned()).spawn(move || {
            let result = actor.perform(&act);
            actor.live.touch();
            actor.sender.send(Message::Done(ActDone { act, result }));
        });
        if let Err(error) = begun {
            let result = Err(ActFailure { message: error.to_string(), hints: Vec::new() });
            self.sender.send(Message::Done(ActDone { act: failed, result }));
        }
    }

    fn perform(&self, act: &Act) -> Result<ActResult, ActFailure> {
        let store = self.live.store();
        let said = |text: String| Ok(ActResult::Said(text));
        match act {
            Act::Start { mode, task, prompt, resume } => self.start(mode, task, prompt, *resume),
            Act::Restart(pair) => self.restart(pair),
            Act::Stop(pair) => said(match stop::stop(store, pair, StopKind::Stop).map_err(Failure::from)? {
                Stopped::Ended(run) => format!("{pair}: {}", run.state.as_str()),
                Stopped::NotRunning(_) => format!("{pair} is not running"),
            }),
            Act::Approve(pair) => {
                approve::approve(store, pair, GateDecision::Approve).map_err(Failure::from)?;
                said(format!("approved {pair}"))
            }
            Act::Reject { pair, reason } => {
                let reason = RejectReason::parse(reason).map_err(|error| ActFailure::new(&error))?;
                approve::approve(store, pair, GateDecision::Reject { reason }).map_err(Failure::from)?;
                said(format!("rejected {pair}"))
            }
            Act::Send { run, text } => {
                let message = AgentMessage::parse(text.clone().into_bytes()).map_err(Failure::from)?;
                let sent = send::send(store, run, &message).map_err(Failure::from)?;
                let pair = run.pair();
                said(match sent.is_confirmed() {
                    true => format!("sent to {pair}"),
                    false => format!("typed into {pair}; the agent does not report what it read"),
                })
            }
            Act::Seen(run) => {
                attention::seen(store, run).map_err(|error| ActFailure::new(&error))?;
                self.live.forget_unseen();
                said(String::new())
            }
            Act::Plan => Ok(ActResult::Plan(self.workers.fetch(&WorkerRequest::Plan)?)),
            Act::Apply { plan_id } => self.apply(plan_id),
        }
    }

    fn start(&self, mode: &str, task: &str, prompt: &str, resume: bool) -> Result<ActResult, ActFailure> {
        let request = StartRequest {
            prompt: (!prompt.is_empty()).then(|| prompt.as_bytes().to_vec()),
            resume: if resume { Resume::LastOfPair } else { Resume::NewConversation },
            started_by: Some(StartedBy::Cli),
            ..StartRequest::default()
        };
        let (mode, task) = (mode.to_owned(), task.to_owned());
        let text = format!("{mode} {task}");
        let done = self.workers.run(&WorkerRequest::Start { mode, task, request })?;
        let said = match (done["skipped"] == true, done["created"] == true) {
            (true, _) => format!("{text} is up to date"),
            (false, true) => format!("started {text}"),
            (false, false) => format!("{text} runs already"),
        };
        Ok(ActResult::Started(said, done["run"]["runId"].as_str().and_then(RunId::parse)))
    }

    fn restart(&self, pair: &Pair) -> Result<ActResult, ActFailure> {
        let patience = restart::longest_stop(self.live.store(), pair).map_err(Failure::from)?;
        let (mode, task) = (pair.mode.to_string(), pair.task.to_string());
        let request = WorkerRequest::Restart { mode, task, started_by: Some(StartedBy::Cli) };
        let done = self.workers.run_longer(&request, patience)?;
        let fields = done["changes"].as_array().map_or(&[][..], Vec::as_slice);
        let changes: Vec<&str> = fields.iter().filter_map(|change| change["field"].as_str()).collect();
        let said = match changes.is_empty() {
            true => format!("restarted {pair}"),
            false => format!("restarted {pair}; changed: {}", changes.join(", ")),
        };
        Ok(ActResult::Started(said, done["runId"].as_str().and_then(RunId::parse)))
    }

    fn apply(&self, plan_id: &str) -> Result<ActResult, ActFailure> {
        let request = UpRequest { plan_id: Some(plan_id.to_owned()), only: None };
        let mut done = self.workers.run(&WorkerRequest::Up(request))?;
        if let Some(plan) = done.get_mut("changed").map(serde_json::Value::take) {
            return Ok(ActResult::PlanChanged(serde_json::from_value(plan).map_err(|error| ActFailure::new(&error))?));
        }
        let steps = done["applied"]["steps"].as_array().map_or(&[][..], Vec::as_slice);
        let failed: Vec<&str> = steps.iter().filter_map(|step| step["error"].as_str()).collect();
        match failed.first() {
            None => Ok(ActResult::Said(format!(
                "applied the plan: {}",
                count_of_changes(done["applied"]["changes"].as_u64().unwrap_or(0))
            ))),
            Some(first) => {
                Err(ActFailure { message: format!("{} steps failed: {first}", failed.len()), hints: Vec::new() })
            }
        }
    }
}

impl ActFailure {
    fn new(error: &dyn std::error::Error) -> Self {
        Self { message: error.to_string(), hints: Vec::new() }
    }
}

impl From<Failure> for ActFailure {
    fn from(failure: Failure) -> Self {
        Self::from(WorkerFailure::from(failure))
    }
}

impl From<WorkerFailure> for ActFailure {
    fn from(failure: WorkerFailure) -> Self {
        let first = failure.problems.first().map(problem_line);
        let message = first.map_or(failure.message.clone(), |first| format!("{}: {first}", failure.message));
        Self { message, hints: failure.hints }
    }
}

/// `dispatch.yaml:12:3: unknown key`.
pub(super) fn problem_line(problem: &crate::view::problem_view::ProblemView) -> String {
    let name = problem.path.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let place = [name, problem.line.map(|line| line.to_string()), problem.column.map(|column| column.to_string())];
    let place: Vec<String> = place.into_iter().flatten().collect();
    if place.is_empty() { problem.message.clone() } else { format!("{}: {}", place.join(":"), problem.message) }
}
