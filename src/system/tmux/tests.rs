//! Against real tmux servers, each on a socket of its own.
