//! The accept loop, the state that all connections share, and the orderly shutdown.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::lifecycle::event_fd::EventFd;
use crate::model::token::Token;
use crate::serve::connection;
use crate::serve::limits::{CONNECTIONS, SOCKETS, STACK, STOP_GRACE};
use crate::serve::metrics::Metrics;
use crate::serve::refusal::{Refusal, RefusalKind};
use crate::serve::stream::{ClientStream, Listener};
use crate::serve::tickets::Tickets;
use crate::serve::ui::CatalogCache;
use crate::snapshot::Live;
use crate::worker::WorkerPool;

/// The parts that the caller of [`serve`] provides.
#[derive(Debug)]
pub struct ServerParts {
    pub token: Token,
    pub live: Arc<Live>,
    pub workers: WorkerPool,
}

/// The state that all connections share.
#[derive(Debug)]
pub(super) struct HttpServer {
    pub(super) token: Token,
    pub(super) live: Arc<Live>,
    pub(super) workers: WorkerPool,
    pub(super) tickets: Tickets,
    pub(super) metrics: Metrics,
    pub(super) catalog: CatalogCache,
    stopping: AtomicBool,
    requests: AtomicU64,
    open: Mutex<OpenConnections>,
    one_less: Condvar,
}

/// Open connections and WebSockets, by number.
#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    connections: HashMap<u64, Arc<ClientStream>>,
    sockets: HashMap<u64, EventFd>,
}

/// Counts a WebSocket against the limit and wakes it when the server stops, until dropped.
#[derive(Debug)]
pub(super) struct SocketPermit {
    server: Arc<HttpServer>,
    number: u64,
}

/// Counts a connection against the limit until dropped, which a panic of its thread also does.
#[derive(Debug)]
struct ConnectionPermit {
    server: Arc<HttpServer>,
    number: u64,
}

/// The pause after a failed accept, until descriptors may be free again.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves `listener` until `stop` is readable, then shuts down in order. Fails if the listener cannot be polled.
pub fn serve(listener: &Listener, parts: ServerParts, stop: BorrowedFd<'_>) -> io::Result<()> {
    listener.prepare()?;
    let server = Arc::new(HttpServer {
        token: parts.token,
        live: parts.live,
        workers: parts.workers,
        tickets: Tickets::default(),
        metrics: Metrics::default(),
        catalog: CatalogCache::default(),
        stopping: AtomicBool::new(false),
        requests: AtomicU64::new(1),
        open: Mutex::default(),
        one_less: Condvar::new(),
    });
    let mut failing = false;
    loop {
        let mut fds = [PollFd::new(listener, PollFlags::IN), PollFd::from_borrowed_fd(stop, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if !fds[1].revents().is_empty() {
            break;
        }
        if fds[0].revents().is_empty() {
            continue;
        }
        match listener.accept() {
            Ok(stream) => {
                failing = false;
                server.admit(stream);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionAborted) => {}
            Err(error) => {
                // Logged once: it repeats with every retry.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "no connection can be accepted for now");
                }
                thread::sleep(ACCEPT_RETRY);
            }
        }
    }
    server.shut_down();
    Ok(())
}

impl HttpServer {
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    pub(super) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn connections_open(&self) -> usize {
        self.open().connections.len()
    }

    pub(super) fn sockets_open(&self) -> usize {
        self.open().sockets.len()
    }

    /// Admits one more WebSocket. `None`: the limit is reached.
    pub(super) fn admit_socket(self: &Arc<Self>, waker: &EventFd) -> Option<SocketPermit> {
        let mut open = self.open();
        if open.sockets.len() >= SOCKETS {
            return None;
        }
        open.next += 1;
        let number = open.next;
        open.sockets.insert(number, waker.clone());
        Some(SocketPermit { server: Arc::clone(self), number })
    }

    fn open(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(self: &Arc<Self>, stream: ClientStream) {
        let stream = Arc::new(stream);
        let number = {
            let mut open = self.open();
            if open.connections.len() >= CONNECTIONS {
                drop(open);
                self.metrics.refused_connections.fetch_add(1, Ordering::Relaxed);
                refuse_connection(&stream);
                return;
            }
            open.next += 1;
            let number = open.next;
            open.connections.insert(number, Arc::clone(&stream));
            number
        };
        self.metrics.connections.fetch_add(1, Ordering::Relaxed);
        let permit = ConnectionPermit { server: Arc::clone(self), number };
        let serve = move || {
            connection::serve(&permit.server, &stream);
            drop(stream);
        };
        // If no thread starts, the closure is dropped and with it the permit.
        if let Err(error) = thread::Builder::new().name("http".to_owned()).stack_size(STACK).spawn(serve) {
            tracing::warn!(%error, "no thread for a connection");
        }
    }

    /// WebSockets send their close frame, responses that are being written arrive, then all is cut off.
    fn shut_down(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let mut open = self.open();
        for waker in open.sockets.values() {
            waker.wake();
        }
        // A close frame is written at once or not at all; idle connections stop reading.
        let idle = open.connections.values().map(Arc::clone).collect::<Vec<_>>();
        drop(open);
        let deadline = Instant::now() + STOP_GRACE;
        let close_deadline = Instant::now() + Duration::from_millis(60);
        open = self.open();
        while !open.sockets.is_empty()
            && let Some(left) = close_deadline.checked_duration_since(Instant::now())
        {
            open = self.one_less.wait_timeout(open, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        for stream in &idle {
            stream.shutdown(Shutdown::Read);
        }
        while !open.connections.is_empty() {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            open = self.one_less.wait_timeout(open, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        for stream in open.connections.values() {
            stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.server.open().connections.remove(&self.number);
        self.server.one_less.notify_all();
    }
}

impl Drop for SocketPermit {
    fn drop(&mut self) {
        self.server.open().sockets.remove(&self.number);
        self.server.one_less.notify_all();
    }
}

/// Refuses a connection over the limit without a thread and without blocking.
fn refuse_connection(stream: &ClientStream) {
    if stream.set_nonblocking(true).is_ok() {
        let _ = Refusal::new(RefusalKind::TooMany).response().write(stream, false, false);
    }
    stream.shutdown(Shutdown::Both);
}
