//! A request that was admitted → its answer: hands each route to who knows it.

use std::sync::Arc;

use crate::http::api::{act, files, look, own, runs};
use crate::http::guard::Credential;
use crate::http::head::Head;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::routes::Route;
use crate::http::server::Shared;
use crate::http::ui::{self, assets};
use crate::http::ws::{opening, session::Opening};

/// A reply, or a connection that becomes a WebSocket.
pub(super) enum Answer {
    Reply(Reply),
    Socket(Opening),
}

pub(super) fn answer(
    server: &Arc<Shared>,
    head: &Head,
    route: Route,
    credential: &Credential,
    body: &[u8],
) -> Result<Answer, Refusal> {
    let query = Query::of(head);
    if let Route::Socket(socket) = route {
        return opening::open(server, head, socket, credential, query).map(Answer::Socket);
    }
    let reply = match route {
        Route::Runs => runs::list(server, query),
        Route::History => runs::history(server, query),
        Route::Ui(fragment) => ui::page(server, head, fragment, query),
        // What its address asks for is its script's to read.
        Route::Page => assets::shell(head),
        route => {
            query.end()?;
            plain(server, head, route, body)
        }
    };
    reply.map(Answer::Reply)
}

/// The routes that have no query.
fn plain(server: &Arc<Shared>, head: &Head, route: Route, body: &[u8]) -> Result<Reply, Refusal> {
    match route {
        Route::Asset(name) => assets::asset(head, &name),
        Route::Health => Ok(own::health()),
        Route::Metrics => own::metrics(server),
        Route::Ticket => own::ticket(server, body),
        Route::Status(pair) => runs::status(server, &pair),
        Route::Run(id) => runs::one(server, &id),
        Route::Log(id, stream) => runs::log(server, &id, stream, head),
        Route::Dispatch(pair) => act::dispatch(server, &pair, body),
        Route::Stop { pair, by_get } => act::stop(server, &pair, by_get.then_some(head)),
        Route::Attach(pair) => act::attach(server, &pair, body),
        Route::Approve(pair) => act::approve(server, &pair, body),
        Route::Send(pair) => act::send(server, &pair, body),
        Route::Up => act::up(server, body),
        Route::Render(pair) => look::render(server, &pair, body),
        Route::Tasks => look::tasks(server),
        Route::Task(id) => look::task(server, id),
        Route::Modes => look::modes(server),
        Route::Plan => look::plan(server),
        Route::Diff(id) => look::diff(server, id),
        Route::Clean(id) => act::clean(server, id, body),
        Route::ReadFile(name) => files::read(server, name),
        Route::WriteFile(name) => files::write(server, head, name, body),
        Route::Runs | Route::History | Route::Ui(_) | Route::Page | Route::Socket(_) => {
            Err(Refusal::new(crate::http::refusal::Why::NoRoute))
        }
    }
}
