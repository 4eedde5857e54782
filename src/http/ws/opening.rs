//! Agreeing on a WebSocket: credential, handshake and seat, before anything is said.

use std::sync::Arc;
use std::time::Instant;

use tungstenite::handshake::derive_accept_key;

use crate::http::guard::{Credential, PROTOCOL};
use crate::http::head::{Head, Method};
use crate::http::query::Query;
use crate::http::refusal::{Refusal, Why};
use crate::http::reply;
use crate::http::routes::Socket;
use crate::http::server::Shared;
use crate::http::tickets::Access;
use crate::http::ws::session::Opening;
use crate::http::ws::talk::Talk;
use crate::http::ws::{events, logs, terminal};
use crate::runner::wake::Waker;

pub(in crate::http) fn open(
    server: &Arc<Shared>,
    head: &Head,
    socket: Socket,
    credential: &Credential,
    query: Query,
) -> Result<Opening, Refusal> {
    let access = access(server, head, credential)?;
    let accept = handshake(head)?;
    let waker = Waker::new().map_err(Refusal::broken)?;
    let seat = server.seat(&waker).ok_or_else(|| Refusal::with(Why::TooMany, "too many WebSockets are open"))?;
    let talk: Box<dyn Talk> = match socket {
        Socket::Logs(pair) => logs::talk(server, &pair, query, &waker)?,
        Socket::Events => Box::new(events::Events::new(server, query, &waker)?),
        Socket::Terminal(pair) => Box::new(terminal::Screen::open(server, &pair, access, query)?),
    };
    let protocol = head.has_word("sec-websocket-protocol", PROTOCOL).then_some(PROTOCOL);
    Ok(Opening { head: reply::switching(&accept, protocol), seat, waker, talk })
}

/// The token may do all; a ticket what it was given for. Looking at it spends it.
fn access(server: &Shared, head: &Head, credential: &Credential) -> Result<Access, Refusal> {
    match credential {
        Credential::Bearer => Ok(Access::Write),
        Credential::Nothing => Err(Refusal::new(Why::NoToken)),
        Credential::Ticket(secret) => server
            .tickets
            .spend(secret, &head.plain_path(), Instant::now())
            .ok_or_else(|| Refusal::with(Why::Forbidden, "this ticket is spent, too old or for another path")),
    }
}

/// The answer to the client's key (RFC 6455 section 4.2).
fn handshake(head: &Head) -> Result<String, Refusal> {
    let asks = head.method == Method::Get
        && head.is_1_1
        && head.has_word("upgrade", "websocket")
        && head.has_word("connection", "upgrade");
    if !asks {
        return Err(Refusal::with(Why::Malformed, "this is a WebSocket").hint("ask with `Upgrade: websocket`"));
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
