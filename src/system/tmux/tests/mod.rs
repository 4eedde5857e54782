//! Against real tmux servers, each on a socket of its own.

mod ending;
mod making;
mod user;
mod views;
mod world;
