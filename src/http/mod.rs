//! The minimal synchronous server: accept, guard, route, answer, and the WebSockets.
//!
//! Copies bytes between sockets and what `runner` offers, and shows what `view` gives. Must not
//! touch tmux, files of a run or processes itself, and must decide nothing that the command line
//! would have to repeat.
//!
//! ```text
//! accept ─► head ─► guard ─► route ─► body ─► answer ─► reply
//!                                               └─────► WebSocket: session ⇄ talk
//! ```

mod answer;
mod api;
mod body;
mod connection;
mod guard;
mod head;
mod limits;
mod metrics;
mod query;
mod refusal;
mod reply;
mod routes;
mod server;
mod stream;
mod tickets;
mod ui;
mod ws;

pub use crate::http::limits::Times;
pub use crate::http::server::{Parts, serve};
pub use crate::http::stream::Listener;
