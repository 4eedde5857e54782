//! Sockets that only programs of this user can reach.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::fs::Mode;

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("{0} is not this machine's own address")]
    NotLoopback(IpAddr),
    #[error("port {0} is taken")]
    PortTaken(u16),
    #[error("`{}` is used by a running server, or is no socket", .0.display())]
    PathTaken(PathBuf),
    #[error("the folder of `{}` can be written by others", .0.display())]
    OpenFolder(PathBuf),
    #[error("cannot listen")]
    Io(#[from] io::Error),
}

/// Listens on a loopback address; port 0 selects a free port.
pub fn tcp(address: IpAddr, port: u16) -> Result<TcpListener, ListenError> {
    if !address.is_loopback() {
        return Err(ListenError::NotLoopback(address));
    }
    TcpListener::bind(SocketAddr::new(address, port)).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::PortTaken(port),
        _ => error.into(),
    })
}

/// Listens on a socket file that is private from the start, and replaces the file of a dead server. Call it while there
/// is one thread, since it changes the umask of the process.
pub fn unix(path: &Path) -> Result<UnixListener, ListenError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let meta = fs::metadata(folder)?;
    // In a sticky folder such as /tmp, other users cannot replace our file.
    if meta.mode() & 0o022 != 0 && meta.mode() & 0o1000 == 0 {
        return Err(ListenError::OpenFolder(path.to_owned()));
    }
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.file_type().is_socket() && UnixStream::connect(path).is_err() => fs::remove_file(path)?,
        Ok(_) => return Err(ListenError::PathTaken(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    rustix::process::umask(before);
    Ok(bound?)
}

/// Removes the socket file of a stopped server.
pub fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Raises a lower limit of open files to 1024, for many connections.
pub fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    const ENOUGH: u64 = 1024;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < ENOUGH) {
        limit.current = Some(limit.maximum.map_or(ENOUGH, |most| most.min(ENOUGH)));
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the limit of open files stays low");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_bound() {
        for address in ["0.0.0.0", "192.168.0.1", "::", "::ffff:0.0.0.0"] {
            assert!(matches!(tcp(address.parse().unwrap(), 0), Err(ListenError::NotLoopback(_))), "{address}");
        }
        let listener = tcp("127.0.0.1".parse().unwrap(), 0).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(matches!(tcp("127.0.0.1".parse().unwrap(), port), Err(ListenError::PortTaken(_))));
    }

    #[test]
    fn a_socket_file_is_private_and_a_dead_one_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = unix(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(matches!(unix(&path), Err(ListenError::PathTaken(_))));
        drop(listener);
        unix(&path).unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(unix(&file), Err(ListenError::PathTaken(_))));
    }
}
