//! The minimal synchronous server: accept, guard, route, answer, and the WebSockets.
//!
//! Copies bytes between sockets and what `runner` offers, and shows what `view` gives. Must not
//! touch tmux, files of a run or processes itself, and must decide nothing that the command line
//! would have to repeat.
