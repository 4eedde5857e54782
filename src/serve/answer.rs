//! An admitted request → its response: calls the handler of its route.

use std::sync::Arc;

use crate::serve::api::{act, capacity, history, own, project, results, runs};
use crate::serve::guard::Credential;
use crate::serve::head::Head;
use crate::serve::query::Query;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::response::Response;
use crate::serve::routes::Route;
use crate::serve::server::HttpServer;
use crate::serve::ui::{self, assets};
use crate::serve::ws::{session::Upgrade, upgrade};

/// A response, or a connection that becomes a WebSocket.
pub(super) enum Handled {
    Response(Response),
    Upgrade(Upgrade),
}

pub(super) fn answer(
    server: &Arc<HttpServer>,
    head: &Head,
    route: Route,
    credential: &Credential,
    body: &[u8],
) -> Result<Handled, Refusal> {
    let query = Query::of(head);
    if let Route::Socket(socket) = route {
        return upgrade::accept(server, head, socket, credential, query).map(Handled::Upgrade);
    }
    let response = match route {
        Route::Runs => runs::list(server, query),
        Route::History => history::list(server, query),
        Route::HistoryCsv => history::csv(server, head, query),
        Route::Results(id) => results::results(server, head, id, query),
        Route::Ui(fragment) => ui::page(server, head, fragment, query),
        // The query of a page is for its script.
        Route::Page => assets::shell(head),
        route => {
            query.end()?;
            without_query(server, head, route, body)
        }
    };
    response.map(Handled::Response)
}

fn without_query(server: &Arc<HttpServer>, head: &Head, route: Route, body: &[u8]) -> Result<Response, Refusal> {
    match route {
        Route::Asset(name) => assets::asset(head, &name),
        Route::Health => Ok(own::health()),
        Route::Metrics => own::metrics(server),
        Route::Ticket => own::ticket(server, body),
        Route::Capacity => capacity::capacity(server),
        Route::Status(pair) => runs::status(server, &pair),
        Route::Run(id) => runs::one(server, &id),
        Route::Log(id, stream) => runs::log(server, &id, stream, head),
        Route::Marks(id) => runs::marks(server, &id),
        Route::Prompt(id) => runs::prompt(server, &id),
        Route::Dispatch(pair) => act::dispatch(server, &pair, body),
        Route::Stop { pair, by_get } => act::stop(server, &pair, by_get.then_some(head)),
        Route::Restart(pair) => act::restart(server, &pair, body),
        Route::Attach(pair) => act::attach(server, &pair, body),
        Route::Approve(pair) => act::approve(server, &pair, body),
        Route::Send(pair) => act::send(server, &pair, body),
        Route::Seen(id) => act::seen(server, &id, body),
        Route::Open => act::open(server, body),
        Route::Up => act::up(server, body),
        Route::Render(pair) => project::render(server, &pair, body),
        Route::Check => project::check(server, body),
        Route::Schema => Ok(project::schema(head)),
        Route::Worker(request) => Ok(Response::json(200, &server.workers.run(&request)?)),
        Route::Clean(id) => act::clean(server, id, body),
        Route::ReadFile(name) => project::read_file(server, name),
        Route::WriteFile(name) => project::write_file(server, head, name, body),
        Route::Runs
        | Route::History
        | Route::HistoryCsv
        | Route::Results(_)
        | Route::Ui(_)
        | Route::Page
        | Route::Socket(_) => Err(Refusal::new(RefusalKind::NoRoute)),
    }
}
