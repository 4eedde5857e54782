//! One accepted connection, over TCP or a Unix socket. Bytes and time limits only: no HTTP.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use crate::serve::limits::times;

/// After the last response, what the client still sends is read for this long, up to this many bytes.
const LINGER: (Duration, usize) = (Duration::from_millis(500), 256 * 1024);

/// The kernel's send buffer of one connection, in bytes.
const SEND_BUFFER: usize = 256 * 1024;

/// This many bytes must be taken within `write_stall`: a byte now and then is no progress.
const PIECE: usize = 64 * 1024;

#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// An accepted connection. Shared: one thread serves it, another may cut it off.
///
/// std's type for Unix sockets serves both: the calls on a connected TCP socket are equal.
#[derive(Debug)]
pub(super) struct ClientStream(pub(super) UnixStream);

impl Listener {
    pub(super) fn accept(&self) -> io::Result<ClientStream> {
        let stream = match self {
            Self::Tcp(listener) => {
                let stream = listener.accept()?.0;
                // Some systems refuse it for a connection that is closed already, which is harmless.
                let _ = stream.set_nodelay(true);
                UnixStream::from(OwnedFd::from(stream))
            }
            Self::Unix(listener) => listener.accept()?.0,
        };
        stream.set_nonblocking(false)?;
        Ok(ClientStream(stream))
    }

    pub(super) fn prepare(&self) -> io::Result<()> {
        // Connections inherit it. By default some systems grow the buffer to megabytes and report room only when a
        // third of it is free: a slow client would look like one that stopped reading.
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

impl ClientStream {
    pub(super) fn set_nonblocking(&self, yes: bool) -> io::Result<()> {
        self.0.set_nonblocking(yes)
    }

    /// At least a millisecond: zero would mean for ever.
    pub(super) fn set_read_timeout(&self, time: Duration) -> io::Result<()> {
        self.0.set_read_timeout(Some(time.max(Duration::from_millis(1))))
    }

    pub(super) fn set_write_timeout(&self, time: Duration) -> io::Result<()> {
        self.0.set_write_timeout(Some(time.max(Duration::from_millis(1))))
    }

    /// Ends the connection, or one half of it. An error means that it has ended already.
    pub(super) fn shutdown(&self, how: Shutdown) {
        let _ = self.0.shutdown(how);
    }

    /// Ends our half and reads what the client still sends, for a moment: a reset would discard the response before
    /// the client has read it. The socket must be blocking.
    pub(super) fn linger(&self) {
        self.shutdown(Shutdown::Write);
        let deadline = Instant::now() + LINGER.0;
        let mut left = LINGER.1;
        let mut buffer = [0; 4096];
        while let Some(time) = deadline.checked_duration_since(Instant::now()) {
            if self.set_read_timeout(time).is_err() {
                return;
            }
            match (&self.0).read(&mut buffer) {
                Ok(count) if count > 0 && count < left => left -= count,
                _ => return,
            }
        }
    }
}

impl Read for &ClientStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(into)
    }
}

impl Write for &ClientStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    /// Each piece has the time `write_stall`, however many writes it takes.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut is_default = true;
        for mut piece in bytes.chunks(PIECE) {
            if !is_default {
                self.set_write_timeout(times().write_stall)?;
                is_default = true;
            }
            let start = Instant::now();
            while !piece.is_empty() {
                match self.write(piece) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(count) => piece = &piece[count..],
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
                if !piece.is_empty() {
                    let left = times().write_stall.checked_sub(start.elapsed()).ok_or(ErrorKind::TimedOut)?;
                    self.set_write_timeout(left)?;
                    is_default = false;
                }
            }
        }
        if is_default { Ok(()) } else { self.set_write_timeout(times().write_stall) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for ClientStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
