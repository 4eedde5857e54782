//! A running `dispatch serve` and a client that sends exactly the given bytes: raw sockets,
//! since an HTTP library would correct what the tests send wrong on purpose.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;
use serde_json::Value;
use tungstenite::client::IntoClientRequest as _;

pub use crate::http_reply::{Reply, Ws};

use crate::command::{Dispatch, Ended, Started};
use crate::random::Random;
use crate::waiting::{PATIENCE, is, wait_until};
use crate::world::World;

/// What asks for a WebSocket.
pub const UPGRADE: &[&str] = &[
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// A server of a world's project. Ended with the test.
#[derive(Debug)]
pub struct Server {
    call: Option<Started>,
    /// `127.0.0.1:PORT`.
    pub host: String,
    pub token: String,
    /// Files and threads it had when it was young.
    young: Figures,
}

/// What a process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    pub files: usize,
    pub threads: usize,
    pub resident_kib: usize,
}

/// A port for a server that ends and comes back: none that the system gives to others meanwhile.
pub fn lasting_port() -> u16 {
    let mut random = Random::new();
    let ports = std::iter::from_fn(|| u16::try_from(20_000 + random.below(12_000)).ok());
    ports.take(1000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}

impl World {
    /// `dispatch serve` on a free port, once it answers.
    #[track_caller]
    pub fn serve(&self) -> Server {
        self.serve_as("-v serve --port 0 --json")
    }

    #[track_caller]
    pub fn serve_as(&self, words: &str) -> Server {
        self.serve_with(words, &[])
    }

    /// A server that waits otherwise for its clients: `head=100 idle=60000`, in milliseconds.
    #[track_caller]
    pub fn serve_timed(&self, times: &str) -> Server {
        let times: String = times.split(' ').map(|time| format!(" --time {time}")).collect();
        self.serve_as(&format!("-v serve --port 0 --json{times}"))
    }

    #[track_caller]
    pub fn serve_with(&self, words: &str, variables: &[(&str, &str)]) -> Server {
        let call = self.dispatch(words);
        self.serve_by(variables.iter().fold(call, |call, (name, value)| call.env(name, *value)))
    }

    /// By a call that becomes `dispatch serve --json`.
    #[track_caller]
    pub fn serve_by(&self, call: Dispatch) -> Server {
        self.server_of(call.start())
    }

    /// The server that this call is, once it answers.
    #[track_caller]
    pub fn server_of(&self, call: Started) -> Server {
        let said: Value = wait_until("the server said where it is", || {
            let out = call.stdout_so_far();
            serde_json::from_slice(&out)
                .map_err(|error| format!("{error}: {}; {}", String::from_utf8_lossy(&out), call.stderr_so_far()))
        });
        let host = said["address"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let token = self.dispatch("token").succeeds().text().trim().to_owned();
        let mut server = Server { call: Some(call), host, token, young: Figures::default() };
        // With one connection: later requests have one, too.
        let mut asking = server.connect();
        asking.write_all(server.head("GET", "/healthz", &[]).as_bytes()).unwrap();
        assert_eq!(Reply::read(&mut asking).unwrap().status, 200);
        server.young = server.figures();
        server
    }
}

impl Server {
    /// The same server, by way of another port.
    pub fn elsewhere(server: &Self, port: u16) -> Self {
        let (host, token) = (format!("127.0.0.1:{port}"), server.token.clone());
        Self { call: None, host, token, young: Figures::default() }
    }

    fn started(&self) -> &Started {
        self.call.as_ref().unwrap()
    }

    pub fn pid(&self) -> i32 {
        self.started().pid()
    }

    pub fn stderr(&self) -> String {
        self.started().stderr_so_far()
    }

    /// A fresh connection.
    #[track_caller]
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).unwrap();
        // A request about windows waits for a tmux that hangs.
        stream.set_read_timeout(Some(3 * PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// `GET /path` and the rest of a head that the server likes; `more` are further lines.
    pub fn head(&self, method: &str, path: &str, more: &[&str]) -> String {
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n", self.host, self.token);
        for line in more {
            head.push_str(line);
            head.push_str("\r\n");
        }
        head + "\r\n"
    }

    /// Sends these bytes on a connection of its own and reads the answer.
    #[track_caller]
    pub fn say(&self, bytes: impl AsRef<[u8]>) -> Reply {
        let mut stream = self.connect();
        // The server may answer and close before it has read all.
        let _ = stream.write_all(bytes.as_ref());
        let reply = Reply::read(&mut stream).unwrap_or_else(|error| panic!("no answer: {error}"));
        reply.assert_headers();
        reply
    }

    /// A request with the token; `more` are further header lines.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, more: &[&str]) -> Reply {
        self.say(self.head(method, path, more))
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[])
    }

    /// `POST` of a JSON text; an empty one is no body at all.
    #[track_caller]
    pub fn post(&self, path: &str, json: &str) -> Reply {
        if json.is_empty() {
            return self.ask("POST", path, &[]);
        }
        let length = format!("Content-Length: {}", json.len());
        self.say(self.head("POST", path, &["Content-Type: application/json", &length]) + json)
    }

    /// A body that may be anything.
    #[track_caller]
    pub fn post_bytes(&self, path: &str, body: &[u8]) -> Reply {
        let length = format!("Content-Length: {}", body.len());
        let head = self.head("POST", path, &["Content-Type: application/json", &length]);
        self.say([head.as_bytes(), body].concat())
    }

    #[track_caller]
    pub fn run_of(&self, mode: &str, task: &str, body: &str) -> String {
        let reply = self.post(&format!("/dispatch/{mode}/{task}"), body);
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["runId"].as_str().unwrap().to_owned()
    }

    /// A request without the token.
    #[track_caller]
    pub fn bare(&self, method: &str, path: &str, more: &[&str]) -> Reply {
        self.raw(method, path, &[&[format!("Host: {}", self.host).as_str()], more].concat())
    }

    /// A request of these header lines and no other.
    #[track_caller]
    pub fn raw(&self, method: &str, path: &str, lines: &[&str]) -> Reply {
        self.say(format!("{method} {path} HTTP/1.1\r\n{}\r\nConnection: close\r\n\r\n", lines.join("\r\n")))
    }

    pub fn bearer(&self) -> String {
        format!("Authorization: Bearer {}", self.token)
    }

    /// A ticket for `path`.
    #[track_caller]
    pub fn ticket(&self, path: &str, write: bool) -> String {
        let reply = self.post("/api/ticket", &serde_json::json!({ "path": path, "write": write }).to_string());
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["ticket"].as_str().unwrap().to_owned()
    }

    /// A WebSocket as bytes, opened with the token, and what came behind the answer already.
    #[track_caller]
    pub fn raw_ws(&self, path: &str) -> (TcpStream, Vec<u8>) {
        let mut stream = self.connect();
        stream.write_all(self.head("GET", path, UPGRADE).as_bytes()).unwrap();
        let reply = Reply::read(&mut stream).unwrap();
        assert_eq!(reply.status, 101, "{reply:?}");
        (stream, reply.body)
    }

    /// A WebSocket, opened with the token.
    #[track_caller]
    pub fn ws(&self, path: &str) -> Ws {
        self.try_ws(path, &[("Authorization", &format!("Bearer {}", self.token))]).unwrap_or_else(|status| {
            let runs = self.get("/api/runs").text();
            panic!("{path}: the handshake was answered with {status}; {runs}; {}", self.stderr())
        })
    }

    /// A WebSocket with these headers, or the status of the refusal.
    pub fn try_ws(&self, path: &str, headers: &[(&str, &str)]) -> Result<Ws, u16> {
        let mut request = format!("ws://{}{path}", self.host).into_client_request().unwrap();
        for (name, value) in headers {
            let name = tungstenite::http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match tungstenite::client(request, self.connect()) {
            Ok((ws, _)) => Ok(Ws(ws)),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(reply))) => Err(reply.status().as_u16()),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// What the server's process holds now.
    pub fn figures(&self) -> Figures {
        Figures::of(self.pid())
    }

    /// It answers, never panicked, and holds no more than when it was young.
    #[track_caller]
    pub fn assert_alive(&self) {
        let mut stream = self.connect();
        stream.write_all(self.head("GET", "/api/runs", &["Connection: close"]).as_bytes()).unwrap();
        assert_eq!(Reply::read(&mut stream).map(|reply| reply.status).ok(), Some(200), "it answers");
        assert!(!self.stderr().contains("panicked"), "{}", self.stderr());
        wait_until("files and threads are given back", || {
            let now = self.figures();
            is(now.files <= self.young.files && now.threads <= self.young.threads, format!("{now:?}, {:?}", self.young))
        });
        let now = self.figures();
        assert!(now.resident_kib < self.young.resident_kib + 64 * 1024, "{now:?}, {:?}", self.young);
    }

    pub fn signal(&self, signal: Signal) {
        self.started().signal(signal);
    }

    /// Asks it to end and waits for that.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        self.signal(Signal::TERM);
        self.call.take().unwrap().ends()
    }

    /// Waits for an end that was brought about otherwise.
    #[track_caller]
    pub fn ended(mut self) -> Ended {
        self.call.take().unwrap().ends()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.signal(Signal::TERM);
            if !std::thread::panicking() {
                let _ = call.ends();
            }
        }
    }
}

impl Default for Figures {
    fn default() -> Self {
        Self { files: usize::MAX, threads: usize::MAX, resident_kib: usize::MAX / 2 }
    }
}

impl Figures {
    pub fn of(pid: i32) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
        };
        Self {
            files: fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count),
            threads: number("Threads:"),
            resident_kib: number("VmRSS:"),
        }
    }
}
