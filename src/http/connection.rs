//! One connection: requests in, answers out, each in bounded time and memory.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::http::answer::{self, Answer};
use crate::http::guard::{self, Credential};
use crate::http::head::{Head, Method};
use crate::http::limits::{HEAD_BYTES, times};
use crate::http::refusal::{Refusal, Why};
use crate::http::routes::{self, Place};
use crate::http::server::Shared;
use crate::http::stream::Stream;
use crate::http::ws;

/// A connection that is being served.
#[derive(Debug)]
struct Connection {
    stream: Arc<Stream>,
    /// What was read and not yet used.
    unread: Vec<u8>,
    /// The read timeout that is set now.
    timeout: Duration,
}

/// Why no request came.
enum NoRequest {
    /// The client is gone, or had nothing to say.
    Gone,
    Refused(Refusal),
}

impl From<io::Error> for NoRequest {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl From<Refusal> for NoRequest {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Serves a connection until it ends.
pub(super) fn serve(server: &Arc<Shared>, stream: &Arc<Stream>) {
    if stream.set_write_timeout(times().write_stall).is_err() {
        return;
    }
    let mut connection = Connection { stream: Arc::clone(stream), unread: Vec::new(), timeout: Duration::ZERO };
    let mut first = true;
    loop {
        let request = connection.request(first);
        first = false;
        match request {
            Err(NoRequest::Gone) => return,
            Err(NoRequest::Refused(refusal)) => {
                server.metrics.answered(refusal.status());
                if refusal.reply().write(&**stream, false, false).is_ok() {
                    connection.stream.linger();
                }
                return;
            }
            Ok(head) => match connection.exchange(server, head) {
                Exchange::GoesOn => {}
                Exchange::Ends { refused } => {
                    if refused {
                        connection.stream.linger();
                    }
                    return;
                }
            },
        }
        if server.is_stopping() {
            return;
        }
    }
}

enum Exchange {
    GoesOn,
    /// `refused`: the client may still be sending.
    Ends {
        refused: bool,
    },
}

impl Connection {
    /// The next head. A connection may be silent for a while, a head may not take long.
    fn request(&mut self, first: bool) -> Result<Head, NoRequest> {
        let idle = if first { times().head } else { times().idle };
        let mut deadline = (!self.unread.is_empty()).then(|| Instant::now() + times().head);
        loop {
            if !self.unread.is_empty()
                && let Some((head, length)) = Head::parse(&self.unread)?
            {
                self.unread.drain(..length);
                return Ok(head);
            }
            let room = HEAD_BYTES - self.unread.len().min(HEAD_BYTES);
            if room == 0 {
                return Err(Refusal::new(Why::HeadTooLarge).into());
            }
            let left = match deadline {
                None => idle,
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(left) => left,
                    None => return Err(Refusal::new(Why::TooSlow).into()),
                },
            };
            match self.read(left, room) {
                Ok(0) => return Err(NoRequest::Gone),
                Ok(_) => {
                    deadline.get_or_insert_with(|| Instant::now() + times().head);
                }
                // Silence is not an error where nothing was begun.
                Err(error) if is_timeout(&error) && deadline.is_none() => return Err(NoRequest::Gone),
                Err(error) if is_timeout(&error) => return Err(Refusal::new(Why::TooSlow).into()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Guards, reads the body, answers.
    fn exchange(&mut self, server: &Arc<Shared>, head: Head) -> Exchange {
        let begun = Instant::now();
        let id = server.next_request();
        let stream = Arc::clone(&self.stream);
        let without_body = head.method == Method::Head;
        let answered = catch_unwind(AssertUnwindSafe(|| self.answer(server, &head)));
        let (answer, refused) = match answered {
            Ok(Ok(answer)) => (answer, false),
            Ok(Err(refusal)) => {
                let last = refusal.is_final();
                (Answer::Reply(refusal.reply()), last)
            }
            Err(_) => (Answer::Reply(Refusal::new(Why::Broken).reply()), true),
        };
        let status = match &answer {
            Answer::Reply(reply) => reply.status,
            Answer::Socket(_) => 101,
        };
        server.metrics.answered(status);
        // Neither query nor headers: both may hold what is secret.
        tracing::info!(request = id, method = ?head.method, path = %head.plain_path().escape_debug(), status,
            ms = begun.elapsed().as_secs_f64() * 1e3, "answered");
        match answer {
            Answer::Reply(reply) => {
                let keep_alive = head.keep_alive && !refused && !server.is_stopping();
                let written = reply.write(&*stream, keep_alive, without_body);
                if let Err(error) = &written {
                    tracing::debug!(request = id, %error, "the answer was not taken");
                }
                match written {
                    Ok(()) if keep_alive => Exchange::GoesOn,
                    Ok(()) => Exchange::Ends { refused },
                    Err(_) => {
                        // What is still queued would hold the thread once more.
                        stream.shutdown(Shutdown::Both);
                        Exchange::Ends { refused: false }
                    }
                }
            }
            Answer::Socket(opening) => {
                ws::session::run(server, &stream, std::mem::take(&mut self.unread), opening);
                Exchange::Ends { refused: false }
            }
        }
    }

    fn answer(&mut self, server: &Arc<Shared>, head: &Head) -> Result<Answer, Refusal> {
        let place = routes::place(&head.path);
        let credential = guard::admit(head, &server.token, place)?;
        // A body that is refused is not read.
        let size = guard::body_size(head)?;
        let route = routes::find(head);
        if route.is_ok() && head.has("upgrade") && !matches!(route, Ok(routes::Route::Socket(_))) {
            return Err(Refusal::malformed("no other protocol is spoken here"));
        }
        let is_socket = matches!(route, Ok(routes::Route::Socket(_)));
        if !is_socket && credential != Credential::Bearer && place == Place::Guarded {
            return Err(Refusal::new(Why::NoToken));
        }
        let body = self.body(head, size)?;
        answer::answer(server, head, route?, &credential, &body)
    }

    fn body(&mut self, head: &Head, size: usize) -> Result<Vec<u8>, Refusal> {
        if size == 0 {
            return Ok(Vec::new());
        }
        if head.is_1_1 && head.has("expect") && self.unread.len() < size {
            let said = (&*self.stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
            said.map_err(|_| Refusal::new(Why::TooSlow))?;
        }
        let deadline = Instant::now() + times().body;
        while self.unread.len() < size {
            let left = deadline.checked_duration_since(Instant::now()).ok_or_else(|| Refusal::new(Why::TooSlow))?;
            match self.read(left, size - self.unread.len()) {
                Ok(0) => return Err(Refusal::malformed("the body ends too early")),
                Ok(_) => {}
                Err(_) => return Err(Refusal::new(Why::TooSlow)),
            }
        }
        let rest = self.unread.split_off(size);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    /// Reads at most `most` bytes, for at most `time`.
    fn read(&mut self, time: Duration, most: usize) -> io::Result<usize> {
        // Set anew only where it matters: each is a call of its own.
        if self.timeout.abs_diff(time) > Duration::from_millis(50) {
            self.stream.set_read_timeout(time)?;
            self.timeout = time;
        }
        let mut buffer = [0; 8 * 1024];
        let most = most.min(buffer.len());
        loop {
            match (&*self.stream).read(&mut buffer[..most]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(count) => {
                    self.unread.extend_from_slice(&buffer[..count]);
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
