//! Requests that change something: start, stop, restart, attach, approve, send, seen, open, up, clean. Each can be repeated safely.

use core::num::NonZeroU32;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::queue::approve::{self, GateDecision, RejectReason, RejectReasonError};
use crate::lifecycle::restart;
use crate::lifecycle::stop::{self, StopError, StopKind, Stopped};
use crate::lifecycle::summary::attention;
use crate::lifecycle::window::attach::attach_argv;
use crate::lifecycle::window::send::{self, Sent};
use crate::model::message::Message;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::serve::api::runs;
use crate::serve::body;
use crate::serve::head::Head;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::response::Response;
use crate::serve::server::HttpServer;
use crate::view::sent_view::SentView;
use crate::worker::WorkerRequest;

/// `POST /dispatch`: starts or joins the pair's run.
pub(in crate::serve) fn dispatch(server: &Arc<HttpServer>, pair: &Pair, body: &[u8]) -> Result<Response, Refusal> {
    let asked = body::StartBody::read(body)?;
    let (mode, task) = (pair.mode.to_string(), pair.task.to_string());
    let (attach, subtasks) = (asked.attach, asked.subtasks);
    let request = WorkerRequest::Start { mode, task, request: asked.into_request() };
    let done = server.workers.run(&request);
    server.live.touch();
    let done = done?;
    let text = |field: &str| done["run"][field].as_str().map(str::to_owned);
    let created = done["created"].as_bool().unwrap_or(false);
    let state = if done["skipped"] == true { Some("skipped".to_owned()) } else { text("state") };
    let mut answer = json!({
        // A job has no session: the project's session is named, which holds its windows.
        "session": text("session").or_else(|| done["session"].as_str().map(str::to_owned)),
        "window": text("window"), "runId": text("runId"),
        "state": state, "created": created, "attached": "none",
    });
    let headless = done["run"]["headless"].as_bool().unwrap_or(true);
    if !headless && attach != Some(false) && done["run"]["running"] == true {
        show(server, pair, &mut answer);
    }
    let words: Option<Vec<String>> = serde_json::from_value(done["attach"].clone()).ok();
    if let Some(words) = words.filter(|words| !words.is_empty()) {
        answer["attachCommand"] = shell_words::join(words).into();
    }
    if subtasks {
        answer["runs"] = done["runs"].clone();
    }
    without_nulls(&mut answer);
    Ok(Response::json(if created { 201 } else { 200 }, &answer))
}

/// `POST /stop`; `by_get` is the head of the deprecated `GET /stop`.
pub(in crate::serve) fn stop(server: &HttpServer, pair: &Pair, by_get: Option<&Head>) -> Result<Response, Refusal> {
    if by_get.is_some_and(is_unintended) {
        return Err(Refusal::with(
            RefusalKind::Forbidden,
            "a page that is prefetched or opened by a link stops nothing",
        ));
    }
    let stopped = stop::stop(server.live.store(), pair, StopKind::Stop).map_err(|error| match error {
        // The command line has no exit code for this kind.
        StopError::Unknown { .. } => Failure::new(Kind::Unseen, error.to_string()),
        other => other.into(),
    });
    server.live.touch();
    let run = match stopped? {
        Stopped::Ended(run) | Stopped::NotRunning(Some(run)) => Some(run),
        Stopped::NotRunning(None) => None,
    };
    let response = match run {
        Some(run) => Response::json(200, &server.live.view(&run)),
        // As the command line: there is nothing to stop.
        None => {
            runs::known(server, pair)?;
            let (mode, task) = (&pair.mode, &pair.task);
            Response::json(200, &json!({ "mode": mode, "task": task, "window": pair.window_name(), "running": false }))
        }
    };
    Ok(if by_get.is_some() { response.header("Deprecation", "true") } else { response })
}

/// `POST /api/restart`: stops the pair's run and starts it anew, as `restart -d` does.
pub(in crate::serve) fn restart(server: &HttpServer, pair: &Pair, body: &[u8]) -> Result<Response, Refusal> {
    let body::EmptyBody {} = body::read_or_default(body)?;
    let patience = restart::longest_stop(server.live.store(), pair).map_err(Failure::from)?;
    let (mode, task) = (pair.mode.to_string(), pair.task.to_string());
    let request = WorkerRequest::Restart { mode, task, started_by: None };
    let done = server.workers.run_longer(&request, patience);
    server.live.touch();
    Ok(Response::json(201, &done?))
}

/// Whether the browser prefetches this or the user followed a link: neither is meant to stop a run.
fn is_unintended(head: &Head) -> bool {
    // Any purpose counts: there are values with parameters, as `prefetch;prerender`.
    head.has("sec-purpose") || head.has("purpose") || head.all("sec-fetch-mode").any(|mode| mode == "navigate")
}

/// `POST /api/attach`: shows the run's window in the user's terminal.
pub(in crate::serve) fn attach(server: &HttpServer, pair: &Pair, body: &[u8]) -> Result<Response, Refusal> {
    let body::EmptyBody {} = body::read_or_default(body)?;
    let run = living_window(server, pair)?;
    let mut answer = json!({
        "session": run.facts.session, "window": run.pair().window_name(), "runId": run.id(),
        "attachCommand": attach_argv(&run).map(shell_words::join),
    });
    show(server, pair, &mut answer);
    without_nulls(&mut answer);
    Ok(Response::json(200, &answer))
}

/// Opens or focuses the user's terminal in a child process: the manifest names the terminal, and some are slow to
/// start. That no terminal opens is not a failure, since the response also names the command that attaches.
fn show(server: &HttpServer, pair: &Pair, answer: &mut Value) {
    let request = WorkerRequest::Show { mode: pair.mode.to_string(), task: pair.task.to_string() };
    let shown = server.workers.run(&request).unwrap_or_else(|failure| {
        tracing::warn!(%failure, "no terminal could be opened");
        json!({ "attached": "none", "attachNote": failure.to_string() })
    });
    for field in ["attached", "attachNote"] {
        answer[field] = shown[field].clone();
    }
}

fn living_window(server: &HttpServer, pair: &Pair) -> Result<Run, Refusal> {
    let run = runs::last(server, pair)?;
    if run.facts.form.is_job() {
        return Err(Failure::new(Kind::Conflict, format!("`{pair}` is headless: it has no window")).into());
    }
    if !run.is_active() {
        let hint = format!("POST /dispatch/{}/{}", pair.mode, pair.task);
        return Err(Failure::new(Kind::Conflict, format!("`{pair}` is not running")).hint(hint).into());
    }
    Ok(run)
}

/// `POST /api/approve`.
pub(in crate::serve) fn approve(server: &HttpServer, pair: &Pair, body: &[u8]) -> Result<Response, Refusal> {
    let asked: body::ApproveBody = body::read_or_default(body)?;
    runs::last(server, pair)?;
    let bad = |error: RejectReasonError| Refusal::with(RefusalKind::BadValue, error.to_string());
    let reason = asked.reason.as_deref().map(RejectReason::parse).transpose().map_err(bad)?.flatten();
    let decision = match (asked.reject, reason) {
        (true, reason) => GateDecision::Reject { reason },
        (false, None) => GateDecision::Approve,
        (false, Some(_)) => return Err(Refusal::with(RefusalKind::BadValue, "`reason` needs `reject`")),
    };
    let run = approve::approve(server.live.store(), pair, decision);
    server.live.touch();
    Ok(Response::json(200, &server.live.view(&run?)))
}

/// `POST /api/send`: types a text into the run's window.
pub(in crate::serve) fn send(server: &HttpServer, pair: &Pair, body: &[u8]) -> Result<Response, Refusal> {
    let asked: body::SendBody = body::read(body)?;
    let run = living_window(server, pair)?;
    let message = Message::parse(asked.text.into_bytes())?;
    let sent = send::send(server.live.store(), &run, &message)?;
    Ok(Response::json(200, &SentView::new(&run, sent.is_confirmed(), sent == Sent::Confirmed)))
}

/// `POST /api/seen`: a failed or lost run no longer needs its user.
pub(in crate::serve) fn seen(server: &HttpServer, id: &RunId, body: &[u8]) -> Result<Response, Refusal> {
    let body::EmptyBody {} = body::read_or_default(body)?;
    let run = runs::by_id(server, id)?;
    attention::seen(server.live.store(), &run).map_err(Refusal::internal)?;
    server.live.forget_unseen();
    Ok(Response::json(200, &server.live.view(&run)))
}

/// `POST /api/open`: opens a file of the project or of a task's worktree in the user's editor on this machine.
pub(in crate::serve) fn open(server: &HttpServer, body: &[u8]) -> Result<Response, Refusal> {
    let body::OpenBody { path, line } = body::read(body)?;
    let path = path.into();
    Ok(Response::json(200, &server.workers.run(&WorkerRequest::Open { path, line: line.map(NonZeroU32::get) })?))
}

/// `POST /api/up`: applies the plan, or some of its entries. 409 with the plan if it is not the one of `planId`.
pub(in crate::serve) fn up(server: &HttpServer, body: &[u8]) -> Result<Response, Refusal> {
    let request = body::UpBody::read(body)?;
    let done = server.workers.run(&WorkerRequest::Up(request));
    server.live.touch();
    let mut done = done?;
    if let Some(plan) = done.get_mut("changed").map(Value::take) {
        let refusal = Refusal::new(RefusalKind::PlanChanged).hint("`GET /api/plan` shows it too");
        let mut answer = refusal.body();
        answer["plan"] = plan;
        return Ok(Response::json(refusal.status(), &answer));
    }
    Ok(Response::json(200, &done["applied"]))
}

/// `POST /api/clean/TASK`, as `clean --json`.
pub(in crate::serve) fn clean(server: &HttpServer, id: String, body: &[u8]) -> Result<Response, Refusal> {
    let asked: body::CleanBody = body::read_or_default(body)?;
    let done = server.workers.run(&WorkerRequest::Clean { id, dry_run: asked.dry_run });
    server.live.touch();
    Ok(Response::json(200, &done?))
}

/// Removes the fields without a value.
fn without_nulls(value: &mut Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
}
