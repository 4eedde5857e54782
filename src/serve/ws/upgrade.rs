//! Accepting a WebSocket: credential, handshake, limit and channel, before anything is sent.

use std::sync::Arc;
use std::time::Instant;

use tungstenite::handshake::derive_accept_key;

use crate::lifecycle::event_fd::EventFd;
use crate::lifecycle::window::terminal::Access;
use crate::serve::guard::{Credential, PROTOCOL};
use crate::serve::head::{Head, Method};
use crate::serve::query::Query;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::response;
use crate::serve::routes::SocketRoute;
use crate::serve::server::HttpServer;
use crate::serve::ws::channel::Channel;
use crate::serve::ws::session::Upgrade;
use crate::serve::ws::{events, logs, terminal};

pub(in crate::serve) fn accept(
    server: &Arc<HttpServer>,
    head: &Head,
    socket: SocketRoute,
    credential: &Credential,
    query: Query,
) -> Result<Upgrade, Refusal> {
    let access = access(server, head, credential)?;
    let accept_key = handshake(head)?;
    let waker = EventFd::new().map_err(Refusal::internal)?;
    let permit = server
        .admit_socket(&waker)
        .ok_or_else(|| Refusal::with(RefusalKind::TooMany, "too many WebSockets are open"))?;
    let channel: Box<dyn Channel> = match socket {
        SocketRoute::Logs(pair) => logs::open(server, &pair, query, &waker)?,
        SocketRoute::Events => Box::new(events::EventChannel::new(server, query, &waker)?),
        SocketRoute::Terminal(pair) => Box::new(terminal::TerminalChannel::open(server, &pair, access, query)?),
    };
    let protocol = head.has_word("sec-websocket-protocol", PROTOCOL).then_some(PROTOCOL);
    Ok(Upgrade { head: response::switching(&accept_key, protocol), permit, waker, channel })
}

/// The token allows everything; a ticket what it was issued for. A ticket is used up by this.
fn access(server: &HttpServer, head: &Head, credential: &Credential) -> Result<Access, Refusal> {
    match credential {
        Credential::Bearer => Ok(Access::Write),
        Credential::Nothing => Err(Refusal::new(RefusalKind::NoToken)),
        Credential::Ticket(secret) => server
            .tickets
            .spend(secret, &head.plain_path(), Instant::now())
            .ok_or_else(|| Refusal::with(RefusalKind::Forbidden, "this ticket is spent, too old or for another path")),
    }
}

/// The value of `Sec-WebSocket-Accept` (RFC 6455 section 4.2).
fn handshake(head: &Head) -> Result<String, Refusal> {
    let asks = head.method == Method::Get
        && head.is_1_1
        && head.has_word("upgrade", "websocket")
        && head.has_word("connection", "upgrade");
    if !asks {
        return Err(Refusal::with(RefusalKind::Malformed, "this is a WebSocket").hint("ask with `Upgrade: websocket`"));
    }
    if head.header("sec-websocket-version") != Some("13") {
        return Err(Refusal::malformed("not version 13 of WebSockets"));
    }
    // Sixteen bytes in base64.
    let is_key = |key: &&str| {
        let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        key.len() == 24 && key.ends_with("==") && key.bytes().take(22).all(letter)
    };
    match head.header("sec-websocket-key").filter(is_key) {
        Some(key) => Ok(derive_accept_key(key.as_bytes())),
        None => Err(Refusal::malformed("no usable Sec-WebSocket-Key")),
    }
}
