//! What changes something: start, stop, attach, approve, send, up. Each may be said twice.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::http::api::runs;
use crate::http::body;
use crate::http::head::Head;
use crate::http::refusal::{Refusal, Why};
use crate::http::reply::Reply;
use crate::http::server::Shared;
use crate::model::message::Message;
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::runner::approve::Word;
use crate::runner::errand::Errand;
use crate::runner::failure::{Failure, Kind};
use crate::runner::send::Sent;
use crate::runner::stop::{How, StopError, Stopped};
use crate::view::sent_view::SentView;

/// `POST /dispatch`: starts or joins the pair's run.
pub(in crate::http) fn dispatch(server: &Arc<Shared>, pair: &Pair, body: &[u8]) -> Result<Reply, Refusal> {
    let asked = body::Start::read(body)?;
    let errand = Errand::Start {
        mode: pair.mode.to_string(),
        task: pair.task.to_string(),
        prompt: asked.prompt,
        extras: asked.extras,
        force: asked.force,
        resume: asked.resume,
        subtasks: asked.subtasks,
    };
    let done = server.errands.run(&errand);
    server.live.touch();
    let done = done?;
    let text = |field: &str| done["run"][field].as_str().map(str::to_owned);
    let created = done["created"].as_bool().unwrap_or(false);
    let state = if done["skipped"] == true { Some("skipped".to_owned()) } else { text("state") };
    let mut answer = json!({
        // A job has none of its own: then that of the project, where its windows are.
        "session": text("session").or_else(|| done["session"].as_str().map(str::to_owned)), "window": text("window"), "runId": text("runId"),
        "state": state, "created": created, "attached": "none",
    });
    let headless = done["run"]["headless"].as_bool().unwrap_or(true);
    if !headless && asked.attach != Some(false) && done["run"]["running"] == true {
        show(server, pair, &mut answer);
    }
    let words: Option<Vec<String>> = serde_json::from_value(done["attach"].clone()).ok();
    if let Some(words) = words.filter(|words| !words.is_empty()) {
        answer["attachCommand"] = shell_words::join(words).into();
    }
    if asked.subtasks {
        answer["runs"] = done["runs"].clone();
    }
    without_nulls(&mut answer);
    Ok(Reply::json(if created { 201 } else { 200 }, &answer))
}

/// `POST /stop`, and the seed's GET: `by_get` is its head.
pub(in crate::http) fn stop(server: &Shared, pair: &Pair, by_get: Option<&Head>) -> Result<Reply, Refusal> {
    if by_get.is_some_and(is_no_ones_wish) {
        return Err(Refusal::with(Why::Forbidden, "a page that is loaded ahead or walked to stops nothing"));
    }
    let stopped = server.live.store().stop(pair, How::Stop).map_err(|error| match error {
        // The command line has no exit code of its own for it.
        StopError::Unknown { .. } => Failure::new(Kind::Unseen, error.to_string()),
        other => other.into(),
    });
    server.live.touch();
    let run = match stopped? {
        Stopped::Ended(run) | Stopped::NotRunning(Some(run)) => run,
        Stopped::NotRunning(None) => return Err(runs::never_run(server, pair)),
    };
    let reply = Reply::json(200, &server.live.view(&run));
    Ok(if by_get.is_some() { reply.header("Deprecation", "true") } else { reply })
}

/// Whether a browser sends this by itself, or a person walked here by a link.
fn is_no_ones_wish(head: &Head) -> bool {
    // Whatever the purpose is, it has parameters too: `prefetch;prerender`.
    head.has("sec-purpose") || head.has("purpose") || head.all("sec-fetch-mode").any(|mode| mode == "navigate")
}

/// `POST /api/attach`: brings the run's window before the user's eyes.
pub(in crate::http) fn attach(server: &Shared, pair: &Pair, body: &[u8]) -> Result<Reply, Refusal> {
    let body::Nothing {} = body::read_or_default(body)?;
    let run = living_window(server, pair)?;
    let mut answer = json!({
        "session": run.facts.session, "window": run.pair().window_name(), "runId": run.id(),
        "attachCommand": server.live.store().attach_argv(&run).map(shell_words::join),
    });
    show(server, pair, &mut answer);
    without_nulls(&mut answer);
    Ok(Reply::json(200, &answer))
}

/// Opens or focuses the user's terminal, as an errand: which one is the manifest's affair, and some
/// take their time. That there is none is no failure: the command that attaches is told, too.
fn show(server: &Shared, pair: &Pair, answer: &mut Value) {
    let errand = Errand::Show { mode: pair.mode.to_string(), task: pair.task.to_string() };
    let shown = server.errands.run(&errand).unwrap_or_else(|failure| {
        tracing::warn!(%failure, "no terminal could be opened");
        json!({ "attached": "none", "attachNote": failure.to_string() })
    });
    for field in ["attached", "attachNote"] {
        answer[field] = shown[field].clone();
    }
}

fn living_window(server: &Shared, pair: &Pair) -> Result<Run, Refusal> {
    let run = runs::last(server, pair)?;
    if run.facts.headless {
        return Err(Failure::new(Kind::Conflict, format!("`{pair}` is headless: it has no window")).into());
    }
    if !run.is_active() {
        let hint = format!("POST /dispatch/{}/{}", pair.mode, pair.task);
        return Err(Failure::new(Kind::Conflict, format!("`{pair}` is not running")).hint(hint).into());
    }
    Ok(run)
}

/// `POST /api/approve`.
pub(in crate::http) fn approve(server: &Shared, pair: &Pair, body: &[u8]) -> Result<Reply, Refusal> {
    let asked: body::Approve = body::read_or_default(body)?;
    runs::last(server, pair)?;
    let word = if asked.reject { Word::Reject } else { Word::Approve };
    let run = server.live.store().approve(pair, word).map_err(Failure::from);
    server.live.touch();
    Ok(Reply::json(200, &server.live.view(&run?)))
}

/// `POST /api/send`: types a text into the run's window.
pub(in crate::http) fn send(server: &Shared, pair: &Pair, body: &[u8]) -> Result<Reply, Refusal> {
    let asked: body::Send = body::read(body)?;
    let run = living_window(server, pair)?;
    let message = Message::parse(asked.text.into_bytes()).map_err(Failure::from)?;
    let sent = server.live.store().send(&run, &message).map_err(Failure::from)?;
    Ok(Reply::json(200, &SentView::new(&run, sent.is_confirmed(), sent == Sent::Confirmed)))
}

/// `POST /api/up`.
pub(in crate::http) fn up(server: &Shared, body: &[u8]) -> Result<Reply, Refusal> {
    let body::Nothing {} = body::read_or_default(body)?;
    let report = server.errands.run(&Errand::Up);
    server.live.touch();
    Ok(Reply::json(200, &report?))
}

/// `POST /api/clean/TASK`, as `clean --json`.
pub(in crate::http) fn clean(server: &Shared, id: String, body: &[u8]) -> Result<Reply, Refusal> {
    let asked: body::Clean = body::read_or_default(body)?;
    let done = server.errands.run(&Errand::Clean { id, dry_run: asked.dry_run });
    server.live.touch();
    Ok(Reply::json(200, &done?))
}

/// A field without a value is left out.
fn without_nulls(value: &mut Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
}
