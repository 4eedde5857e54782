//! Against real tmux servers, each on a socket of its own.

mod ending;
mod making;
mod sending;
mod user;
mod views;
mod world;
