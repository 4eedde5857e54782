//! The server's own: liveness, what it counts, and tickets.

use std::time::Instant;

use crate::http::body;
use crate::http::metrics::Gauges;
use crate::http::refusal::{Refusal, Why};
use crate::http::reply::Reply;
use crate::http::server::Shared;
use crate::http::tickets::Access;
use crate::runner::failure::Failure;
use crate::runner::served;

pub(in crate::http) fn health() -> Reply {
    Reply::json(200, &serde_json::json!({ "ok": true, "version": env!("CARGO_PKG_VERSION") }))
}

pub(in crate::http) fn metrics(server: &Shared) -> Result<Reply, Refusal> {
    let seen = server.live.figures().map_err(Failure::from)?;
    let gauges = Gauges {
        runs_by_state: seen.by_state,
        queued_by_reason: seen.by_reason,
        sockets_open: server.sockets_open(),
        connections_open: server.connections_open(),
        ended: (seen.ended, seen.ended_seconds, seen.cost_usd),
        looks: (seen.looks, seen.looks_seconds),
    };
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(Reply::text(kind, server.metrics.text(&gauges)))
}

/// A ticket for one WebSocket.
pub(in crate::http) fn ticket(server: &Shared, body: &[u8]) -> Result<Reply, Refusal> {
    let asked: body::Ticket = body::read(body)?;
    let known =
        asked.path == "/api/events" || ["/logs/", "/api/terminal/"].iter().any(|start| asked.path.starts_with(start));
    if !known {
        return Err(Refusal::with(Why::BadValue, "`path` is not that of a WebSocket"));
    }
    let access = if asked.write { Access::Write } else { Access::Read };
    let secret = served::new_token().map_err(Refusal::broken)?;
    server
        .tickets
        .give(&secret, asked.path, access, Instant::now())
        .ok_or_else(|| Refusal::with(Why::TooMany, "too many tickets wait to be used"))?;
    Ok(Reply::json(201, &serde_json::json!({ "ticket": secret.reveal(), "seconds": 60 })))
}
