//! One accepted connection, over TCP or a Unix socket. Only bytes and time: no HTTP.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use crate::http::limits::times;

/// After the last answer, what the client still sends is read for so long.
const LINGER: (Duration, usize) = (Duration::from_millis(500), 256 * 1024);

/// What the system may hold of what was written to one client and not yet taken.
const SEND_BUFFER: usize = 256 * 1024;

/// So much must be taken within the time for a stalled write: one byte now and then is no progress.
const PIECE: usize = 64 * 1024;

/// Where connections come from.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection. Shared: one thread serves it, another may cut it off.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    pub(super) fn accept(&self) -> io::Result<Stream> {
        let stream = match self {
            Self::Tcp(listener) => {
                let stream = listener.accept()?.0;
                // Some systems refuse it for a connection that is gone again: no trouble of ours.
                let _ = stream.set_nodelay(true);
                Stream::Tcp(stream)
            }
            Self::Unix(listener) => Stream::Unix(listener.accept()?.0),
        };
        stream.set_nonblocking(false)?;
        Ok(stream)
    }

    pub(super) fn prepare(&self) -> io::Result<()> {
        // Connections inherit it. Not said, some systems let it grow to megabytes for each, and call
        // for more only when a third of that is free: a slow client would seem to have stopped.
        rustix::net::sockopt::set_socket_send_buffer_size(self, SEND_BUFFER)?;
        match self {
            Self::Tcp(listener) => listener.set_nonblocking(true),
            Self::Unix(listener) => listener.set_nonblocking(true),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}

impl Stream {
    pub(super) fn set_nonblocking(&self, yes: bool) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(yes),
            Self::Unix(stream) => stream.set_nonblocking(yes),
        }
    }

    /// `time` is at least a millisecond: zero would mean for ever.
    pub(super) fn set_read_timeout(&self, time: Duration) -> io::Result<()> {
        let time = Some(time.max(Duration::from_millis(1)));
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(time),
            Self::Unix(stream) => stream.set_read_timeout(time),
        }
    }

    pub(super) fn set_write_timeout(&self, time: Duration) -> io::Result<()> {
        let time = Some(time.max(Duration::from_millis(1)));
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(time),
            Self::Unix(stream) => stream.set_write_timeout(time),
        }
    }

    /// Ends the connection, or one half of it. One that is gone already is as good.
    pub(super) fn shutdown(&self, how: Shutdown) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        };
    }

    /// Says that no more will come, and reads what is left, for a moment: a reset would take the
    /// answer away from the client. Must block.
    pub(super) fn linger(&self) {
        self.shutdown(Shutdown::Write);
        let deadline = Instant::now() + LINGER.0;
        let mut left = LINGER.1;
        let mut buffer = [0; 4096];
        while let Some(time) = deadline.checked_duration_since(Instant::now()) {
            if self.set_read_timeout(time).is_err() {
                return;
            }
            let mut from = self;
            match from.read(&mut buffer) {
                Ok(count) if count > 0 && count < left => left -= count,
                _ => return,
            }
        }
    }
}

impl Read for &Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&*stream).read(into),
            Stream::Unix(stream) => (&*stream).read(into),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&*stream).write(bytes),
            Stream::Unix(stream) => (&*stream).write(bytes),
        }
    }

    /// Each piece has its time, however often it is taken in part.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut is_set = true;
        for mut piece in bytes.chunks(PIECE) {
            if !is_set {
                self.set_write_timeout(times().write_stall)?;
                is_set = true;
            }
            let begun = Instant::now();
            while !piece.is_empty() {
                match self.write(piece) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(count) => piece = &piece[count..],
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
                if !piece.is_empty() {
                    let left = times().write_stall.checked_sub(begun.elapsed()).ok_or(ErrorKind::TimedOut)?;
                    self.set_write_timeout(left)?;
                    is_set = false;
                }
            }
        }
        if is_set { Ok(()) } else { self.set_write_timeout(times().write_stall) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}
