//! A client of a job's logs that may lose its connection at any frame and goes on where it was.

use serde_json::Value;
use tungstenite::Message;

use crate::server::{Server, Ws};

/// What such a client knows.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    path: String,
    /// Of stdout and stderr: where the next frame begins, and all text so far.
    next: [u64; 2],
    text: [String; 2],
    /// The last frame.
    pub end: Option<Value>,
}

impl Follower {
    /// Of `/logs/MODE/TASK`.
    pub fn new(path: &str) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    pub fn stdout(&self) -> &str {
        &self.text[0]
    }

    pub fn stderr(&self) -> &str {
        &self.text[1]
    }

    /// A connection that goes on where the last one was.
    #[track_caller]
    pub fn open(&self, server: &Server) -> Ws {
        let more = if self.path.contains('?') { '&' } else { '?' };
        server.ws(&format!("{}{more}stdout={}&stderr={}", self.path, self.next[0], self.next[1]))
    }

    /// Takes one frame: each begins where the last of its stream ended.
    #[track_caller]
    pub fn hear(&mut self, frame: &Value) {
        assert!(self.end.is_none(), "nothing comes after the end: {frame}");
        if frame["event"] == "end" {
            self.end = Some(frame.clone());
            return;
        }
        let at = usize::from(frame["stream"] == "stderr");
        assert!(at == 1 || frame["stream"] == "stdout", "{frame}");
        assert_eq!(frame["offset"], self.next[at], "all bytes come once: {frame}");
        self.next[at] = frame["next"].as_u64().unwrap();
        self.text[at].push_str(frame["data"].as_str().unwrap());
    }

    /// Follows to the end, which is followed by a close with 1000.
    #[track_caller]
    pub fn follow(&mut self, server: &Server) -> Value {
        self.follow_on(self.open(server))
    }

    #[track_caller]
    pub fn follow_on(&mut self, mut ws: Ws) -> Value {
        loop {
            match ws.next() {
                Message::Text(text) => self.hear(&serde_json::from_str(text.as_str()).unwrap()),
                Message::Close(frame) => {
                    assert_eq!(frame.map(|frame| u16::from(frame.code)), Some(1000), "{:?}", self.end);
                    return self.end.clone().expect("a log closes after its end");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Receives so many frames at most and closes the socket without a close frame.
    #[track_caller]
    pub fn follow_some(&mut self, server: &Server, frames: usize) {
        let mut ws = self.open(server);
        for _ in 0..frames {
            if self.end.is_some() {
                return;
            }
            self.hear(&ws.next_json());
        }
    }
}
