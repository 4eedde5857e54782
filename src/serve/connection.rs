//! One connection: reads requests and writes responses, each in bounded time and memory.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::serve::answer::{self, Handled};
use crate::serve::guard::{self, Credential};
use crate::serve::head::{Head, Method};
use crate::serve::limits::{HEAD_BYTES, times};
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::response::Response;
use crate::serve::routes::{self, Route, RouteAccess};
use crate::serve::server::HttpServer;
use crate::serve::stream::ClientStream;
use crate::serve::ui::assets;
use crate::serve::ws;

#[derive(Debug)]
struct Connection {
    stream: Arc<ClientStream>,
    /// Bytes that were read and not used yet.
    unread: Vec<u8>,
    /// The read timeout that is set on the socket.
    timeout: Duration,
}

/// Why no request was read.
enum NoRequest {
    /// The client closed the connection, or was idle for too long.
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
pub(super) fn serve(server: &Arc<HttpServer>, stream: &Arc<ClientStream>) {
    if stream.set_write_timeout(times().write_stall).is_err() {
        return;
    }
    let mut connection = Connection { stream: Arc::clone(stream), unread: Vec::new(), timeout: Duration::ZERO };
    let mut idle = times().head;
    loop {
        let lingers = match connection.request(idle) {
            Err(NoRequest::Gone) => return,
            Err(NoRequest::Refused(refusal)) => {
                server.metrics.answered(refusal.status());
                refusal.response().write(&**stream, false, false).is_ok()
            }
            Ok(head) => match connection.exchange(server, head) {
                Exchange::KeepAlive if !server.is_stopping() => {
                    idle = times().idle;
                    continue;
                }
                Exchange::KeepAlive => false,
                Exchange::Close { client_may_send } => client_may_send,
            },
        };
        if lingers {
            stream.linger();
        }
        return;
    }
}

enum Exchange {
    KeepAlive,
    Close { client_may_send: bool },
}

impl Connection {
    /// Reads the next head. An idle connection is kept longer than a head may take to arrive.
    fn request(&mut self, idle: Duration) -> Result<Head, NoRequest> {
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
                return Err(Refusal::new(RefusalKind::HeadTooLarge).into());
            }
            let left = match deadline {
                None => idle,
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(left) => left,
                    None => return Err(Refusal::new(RefusalKind::TooSlow).into()),
                },
            };
            match self.read(left, room) {
                Ok(0) => return Err(NoRequest::Gone),
                Ok(_) => {
                    deadline.get_or_insert_with(|| Instant::now() + times().head);
                }
                // An idle connection is closed without a response.
                Err(error) if is_timeout(&error) && deadline.is_none() => return Err(NoRequest::Gone),
                Err(error) if is_timeout(&error) => return Err(Refusal::new(RefusalKind::TooSlow).into()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Handles one request and writes its response.
    fn exchange(&mut self, server: &Arc<HttpServer>, head: Head) -> Exchange {
        let start = Instant::now();
        let id = server.next_request();
        let stream = Arc::clone(&self.stream);
        let without_body = head.method == Method::Head;
        let answered = catch_unwind(AssertUnwindSafe(|| self.answer(server, &head)));
        let (answer, refused) = match answered {
            Ok(Ok(answer)) => (answer, false),
            Ok(Err(refusal)) => {
                let last = refusal.closes_connection();
                (Handled::Response(refusal.response()), last)
            }
            Err(_) => (Handled::Response(Refusal::new(RefusalKind::Internal).response()), true),
        };
        let status = match &answer {
            Handled::Response(response) => response.status,
            Handled::Upgrade(_) => 101,
        };
        server.metrics.answered(status);
        // Without query and headers: both may hold secrets.
        tracing::info!(request = id, method = ?head.method, path = %head.plain_path().escape_debug(), status,
            ms = start.elapsed().as_secs_f64() * 1e3, "answered");
        match answer {
            Handled::Response(response) => {
                let keep_alive = head.keep_alive && !refused && !server.is_stopping();
                let written = response.write(&*stream, keep_alive, without_body);
                if let Err(error) = &written {
                    tracing::debug!(request = id, %error, "the response could not be written");
                }
                match written {
                    Ok(()) if keep_alive => Exchange::KeepAlive,
                    Ok(()) => Exchange::Close { client_may_send: refused },
                    Err(_) => {
                        // Cut off, so that queued bytes do not block this thread at the close.
                        stream.shutdown(Shutdown::Both);
                        Exchange::Close { client_may_send: false }
                    }
                }
            }
            Handled::Upgrade(upgrade) => {
                ws::session::run(server, &stream, std::mem::take(&mut self.unread), upgrade);
                Exchange::Close { client_may_send: false }
            }
        }
    }

    fn answer(&mut self, server: &Arc<HttpServer>, head: &Head) -> Result<Handled, Refusal> {
        let route = routes::find(head);
        let is_nowhere = route.as_ref().is_err_and(|refusal| refusal.kind == RefusalKind::NoRoute);
        if guard::is_page_load(head) && (is_nowhere || routes::without_last_slash(&head.path).is_some()) {
            return no_page(server, head);
        }
        let access = routes::access(&head.path);
        let credential = guard::admit(head, &server.token, access)?;
        let size = guard::body_size(head)?;
        let is_socket = matches!(route, Ok(Route::Socket(_)));
        if route.is_ok() && head.has("upgrade") && !is_socket {
            return Err(Refusal::malformed("no other protocol is spoken here"));
        }
        if !is_socket && credential != Credential::Bearer && access == RouteAccess::Guarded {
            return Err(Refusal::new(RefusalKind::NoToken));
        }
        let body = self.body(head, size)?;
        answer::answer(server, head, route?, &credential, &body)
    }

    fn body(&mut self, head: &Head, size: usize) -> Result<Vec<u8>, Refusal> {
        if size == 0 {
            return Ok(Vec::new());
        }
        if head.is_1_1 && head.has("expect") && self.unread.len() < size {
            let written = (&*self.stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
            written.map_err(|_| Refusal::new(RefusalKind::TooSlow))?;
        }
        let deadline = Instant::now() + times().body;
        while self.unread.len() < size {
            let left =
                deadline.checked_duration_since(Instant::now()).ok_or_else(|| Refusal::new(RefusalKind::TooSlow))?;
            match self.read(left, size - self.unread.len()) {
                Ok(0) => return Err(Refusal::malformed("the body ends too early")),
                Ok(_) => {}
                Err(_) => return Err(Refusal::new(RefusalKind::TooSlow)),
            }
        }
        let rest = self.unread.split_off(size);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    /// Reads at most `most` bytes, for at most `time`.
    fn read(&mut self, time: Duration, most: usize) -> io::Result<usize> {
        // Set only on a real change: each is a system call.
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

/// A person opened an address without a route: the page that was meant, or one that says so. Both hold no data, so that
/// they need no token.
fn no_page(server: &HttpServer, head: &Head) -> Result<Handled, Refusal> {
    guard::admit(head, &server.token, RouteAccess::Page)?;
    guard::body_size(head)?;
    let response = match routes::without_last_slash(&head.path) {
        Some(page) => Response::owned("text/plain; charset=utf-8", "").with_status(308).header("Location", page),
        None => assets::no_page(head)?,
    };
    Ok(Handled::Response(response))
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
