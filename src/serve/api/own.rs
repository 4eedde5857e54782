//! Requests about the server itself: liveness, metrics and tickets.

use std::time::Instant;

use crate::lifecycle::server_registry;
use crate::lifecycle::window::terminal::Access;
use crate::serve::body;
use crate::serve::metrics::Gauges;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::response::Response;
use crate::serve::server::HttpServer;

pub(in crate::serve) fn health() -> Response {
    Response::json(200, &serde_json::json!({ "ok": true, "version": env!("CARGO_PKG_VERSION") }))
}

pub(in crate::serve) fn metrics(server: &HttpServer) -> Result<Response, Refusal> {
    let figures = server.live.figures()?;
    let gauges = Gauges {
        runs_by_state: figures.by_state,
        queued_by_reason: figures.by_reason,
        sockets_open: server.sockets_open(),
        connections_open: server.connections_open(),
        ended: (figures.ended, figures.ended_seconds, figures.cost_usd),
        snapshots: (figures.observations, figures.observation_seconds),
    };
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(Response::owned(content_type, server.metrics.text(&gauges)))
}

/// `POST /api/ticket`: a ticket for one WebSocket.
pub(in crate::serve) fn ticket(server: &HttpServer, body: &[u8]) -> Result<Response, Refusal> {
    let asked: body::TicketBody = body::read(body)?;
    let known =
        asked.path == "/api/events" || ["/logs/", "/api/terminal/"].iter().any(|start| asked.path.starts_with(start));
    if !known {
        return Err(Refusal::with(RefusalKind::BadValue, "`path` is not that of a WebSocket"));
    }
    let access = if asked.write { Access::Write } else { Access::Read };
    let secret = server_registry::new_token().map_err(Refusal::internal)?;
    server
        .tickets
        .issue(&secret, asked.path, access, Instant::now())
        .ok_or_else(|| Refusal::with(RefusalKind::TooMany, "too many tickets wait to be used"))?;
    Ok(Response::json(201, &serde_json::json!({ "ticket": secret.reveal(), "seconds": 60 })))
}
