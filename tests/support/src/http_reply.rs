//! What a server answers to a client: HTTP replies and the messages of a WebSocket.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;

use serde_json::Value;
use tungstenite::protocol::CloseFrame;
use tungstenite::{Message, WebSocket};

/// One answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A WebSocket as a client.
#[derive(Debug)]
pub struct Ws(pub WebSocket<TcpStream>);

/// A chunked body whose first bytes are `read`; without the last chunk it is an error. Empty after HEAD.
fn read_chunks(stream: &mut TcpStream, mut read: Vec<u8>) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        let line = read.windows(2).position(|window| window == b"\r\n");
        let size = line.map(|at| usize::from_str_radix(&String::from_utf8_lossy(&read[..at]), 16).unwrap());
        match (line, size) {
            (Some(at), Some(size)) if read.len() >= at + 4 + size => {
                body.extend_from_slice(&read[at + 2..at + 2 + size]);
                read.drain(..at + 4 + size);
                if size == 0 {
                    return Ok(body);
                }
            }
            _ => match stream.read(&mut buffer)? {
                0 if read.is_empty() && body.is_empty() => return Ok(body),
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => read.extend_from_slice(&buffer[..count]),
            },
        }
    }
}

impl Reply {
    /// Reads one answer, to the end of its body.
    pub fn read(stream: &mut TcpStream) -> std::io::Result<Self> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            match stream.read(&mut buffer)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => bytes.extend_from_slice(&buffer[..count]),
            }
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut body = bytes.split_off(end);
        if headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked") {
            return Ok(Self { status, headers, body: read_chunks(stream, body)? });
        }
        let length = headers.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value.parse().unwrap());
        while length.is_some_and(|length: usize| body.len() < length) {
            match stream.read(&mut buffer) {
                Ok(count) if count > 0 => body.extend_from_slice(&buffer[..count]),
                // An answer to HEAD announces what it does not send.
                _ => break,
            }
        }
        Ok(Self { status, headers, body })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// `error.code` of a refusal.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Ws {
    /// The next message, whatever it is; pings are answered on the way.
    #[track_caller]
    pub fn next(&mut self) -> Message {
        loop {
            match self.0.read() {
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(message) => return message,
                Err(error) => panic!("no message: {error}"),
            }
        }
    }

    /// The next message as JSON.
    #[track_caller]
    pub fn next_json(&mut self) -> Value {
        match self.next() {
            Message::Text(text) => serde_json::from_str(text.as_str()).unwrap(),
            other => panic!("not a text: {other:?}"),
        }
    }

    /// Reads on until the server closes, and returns what came before, and how it closed.
    #[track_caller]
    pub fn read_to_end(&mut self) -> (Vec<Message>, Option<CloseFrame>) {
        let mut all = Vec::new();
        loop {
            match self.next() {
                Message::Close(frame) => return (all, frame),
                message => all.push(message),
            }
        }
    }
}
