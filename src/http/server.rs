//! The accept loop, what all connections share, and the orderly end.

use std::collections::HashMap;
use std::io;
use std::net::Shutdown;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::http::connection;
use crate::http::limits::{CONNECTIONS, SOCKETS, STACK, STOP_GRACE};
use crate::http::metrics::Metrics;
use crate::http::refusal::{Refusal, Why};
use crate::http::stream::{Listener, Stream};
use crate::http::tickets::Tickets;
use crate::http::ui::Catalogs;
use crate::model::token::Token;
use crate::runner::errand::Errands;
use crate::runner::live::Live;
use crate::runner::wake::Waker;

/// What the server works with.
#[derive(Debug)]
pub struct Parts {
    pub token: Token,
    pub live: Arc<Live>,
    pub errands: Errands,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) token: Token,
    pub(super) live: Arc<Live>,
    pub(super) errands: Errands,
    pub(super) tickets: Tickets,
    pub(super) metrics: Metrics,
    pub(super) catalogs: Catalogs,
    stopping: AtomicBool,
    requests: AtomicU64,
    open_sockets: AtomicUsize,
    open: Mutex<Open>,
    one_less: Condvar,
}

/// What is open now, by number.
#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Arc<Stream>>,
    sockets: HashMap<u64, Waker>,
}

/// A WebSocket that counts against the limit and hears of the server's end, while this lives.
#[derive(Debug)]
pub(super) struct Seat {
    server: Arc<Shared>,
    number: u64,
}

/// A connection among those that are open, while this lives: also where its thread panics.
#[derive(Debug)]
struct Place {
    server: Arc<Shared>,
    number: u64,
}

/// After an accept that failed: descriptors may come free.
const BREATH: Duration = Duration::from_millis(50);

/// Serves `listener` until `stop` can be read, then ends in order.
pub fn serve(listener: &Listener, parts: Parts, stop: BorrowedFd<'_>) -> io::Result<()> {
    listener.prepare()?;
    let shared = Arc::new(Shared {
        token: parts.token,
        live: parts.live,
        errands: parts.errands,
        tickets: Tickets::default(),
        metrics: Metrics::default(),
        catalogs: Catalogs::default(),
        stopping: AtomicBool::new(false),
        requests: AtomicU64::new(1),
        open_sockets: AtomicUsize::new(0),
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
                shared.admit(stream);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionAborted) => {}
            Err(error) => {
                // Once: it comes again with every breath.
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "no connection can be accepted for now");
                }
                thread::sleep(BREATH);
            }
        }
    }
    shared.end();
    Ok(())
}

impl Shared {
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
        self.open_sockets.load(Ordering::Relaxed)
    }

    /// A seat for one more WebSocket. `None`: all are taken.
    pub(super) fn seat(self: &Arc<Self>, waker: &Waker) -> Option<Seat> {
        let more = |open: usize| (open < SOCKETS).then_some(open + 1);
        self.open_sockets.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        let mut open = self.open();
        open.next += 1;
        let number = open.next;
        open.sockets.insert(number, waker.clone());
        Some(Seat { server: Arc::clone(self), number })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(self: &Arc<Self>, stream: Stream) {
        let stream = Arc::new(stream);
        let number = {
            let mut open = self.open();
            if open.connections.len() >= CONNECTIONS {
                drop(open);
                self.metrics.refused_connections.fetch_add(1, Ordering::Relaxed);
                turn_away(&stream);
                return;
            }
            open.next += 1;
            let number = open.next;
            open.connections.insert(number, Arc::clone(&stream));
            number
        };
        self.metrics.connections.fetch_add(1, Ordering::Relaxed);
        let place = Place { server: Arc::clone(self), number };
        let serve = move || {
            connection::serve(&place.server, &stream);
            drop(stream);
        };
        // Where there is no thread, the place goes with what it was to do.
        if let Err(error) = thread::Builder::new().name("http".to_owned()).stack_size(STACK).spawn(serve) {
            tracing::warn!(%error, "no thread for a connection");
        }
    }

    /// WebSockets say goodbye, replies that are on their way arrive, then all is cut off.
    fn end(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let mut open = self.open();
        for waker in open.sockets.values() {
            waker.wake();
        }
        // Their goodbye is written at once or not at all; reading ends for the others.
        let idle = open.connections.values().map(Arc::clone).collect::<Vec<_>>();
        drop(open);
        let deadline = Instant::now() + STOP_GRACE;
        let goodbye = Instant::now() + Duration::from_millis(60);
        open = self.open();
        while !open.sockets.is_empty()
            && let Some(left) = goodbye.checked_duration_since(Instant::now())
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

impl Drop for Place {
    fn drop(&mut self) {
        self.server.open().connections.remove(&self.number);
        self.server.one_less.notify_all();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.server.open().sockets.remove(&self.number);
        self.server.open_sockets.fetch_sub(1, Ordering::Relaxed);
        self.server.one_less.notify_all();
    }
}

/// One too many: told so without a thread, and without waiting for it.
fn turn_away(stream: &Stream) {
    if stream.set_nonblocking(true).is_ok() {
        let _ = Refusal::new(Why::TooMany).reply().write(stream, false, false);
    }
    stream.shutdown(Shutdown::Both);
}
