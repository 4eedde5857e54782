//! The synchronous HTTP server: accept, guard, route, handle, and the WebSockets.
//!
//! Moves bytes between sockets and `lifecycle`, and responds with data of `view`. Must not use tmux, files of a run or
//! processes itself, and must not make decisions that the command line would have to repeat.
//!
//! ```text
//! accept ─► head ─► guard ─► route ─► body ─► handler ─► response
//!                                                └─────► WebSocket: session ⇄ channel
//! ```

mod answer;
mod api;
mod body;
mod connection;
mod csv;
mod guard;
mod head;
mod limits;
mod metrics;
mod past_query;
mod query;
mod refusal;
mod response;
mod routes;
mod server;
mod stream;
mod tickets;
mod ui;
mod ws;

pub use crate::serve::limits::Times;
pub use crate::serve::server::{ServerParts, serve};
pub use crate::serve::stream::Listener;
