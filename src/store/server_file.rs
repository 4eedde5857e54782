//! The server's registration in a state folder: `server.lock` is held while the server lives, `server.json` records its
//! address, and `open.html` redirects a browser to it. The last two hold a token: only their owner may read them.

use std::fs::{File, TryLockError};
use std::io;

use crate::model::server_record::{SERVER_VERSION, ServerRecord};
use crate::store::lock_file;
use crate::store::record_file::{self, Durability, RecordError};
use crate::store::state_dir::StateDir;

/// The exclusive right to serve a state folder. Dropping it removes record and page, then releases the lock.
#[derive(Debug)]
pub struct ServerClaim {
    state: StateDir,
    _lock: File,
}

impl StateDir {
    /// Writes the redirect page to `address` with mode 0600 and returns its path. The browser gets this path instead of
    /// the address because other users can read a command line.
    pub fn write_door(&self, address: &str) -> io::Result<std::path::PathBuf> {
        let path = self.door_path();
        let _ = std::fs::remove_file(&path);
        let text = format!(
            "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
             <meta http-equiv=\"refresh\" content=\"0; url={address}\"><title>dispatch</title>\n"
        );
        record_file::write_bytes_new(&path, text.as_bytes())?;
        Ok(path)
    }

    /// `None` where another server holds the lock.
    pub fn claim_server(&self) -> io::Result<Option<ServerClaim>> {
        let lock = lock_file::open(&self.path().join("server.lock"), true)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(ServerClaim { state: self.clone(), _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The running server; `None` where none runs or it has not announced itself yet. Fails on an unreadable record.
    pub fn server(&self) -> Result<Option<ServerRecord>, RecordError> {
        let Ok(lock) = lock_file::open(&self.path().join("server.lock"), false) else { return Ok(None) };
        if lock.try_lock_shared().is_ok() {
            return Ok(None);
        }
        match record_file::read(&self.server_path(), SERVER_VERSION) {
            Ok(record) => Ok(Some(record)),
            Err(RecordError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn server_path(&self) -> std::path::PathBuf {
        self.path().join("server.json")
    }

    /// The redirect page, which holds the server's address and token.
    pub fn door_path(&self) -> std::path::PathBuf {
        self.path().join("open.html")
    }
}

impl ServerClaim {
    /// Writes `server.json`, with mode 0600 from the start since it holds the token.
    pub fn announce(&self, record: &ServerRecord) -> io::Result<()> {
        record_file::write(&self.state.server_path(), record, Durability::Process)
    }
}

impl Drop for ServerClaim {
    fn drop(&mut self) {
        for path in [self.state.server_path(), self.state.door_path()] {
            let _ = std::fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn one_serves_and_others_learn_where() {
        let dir = tempfile::tempdir().unwrap();
        let state = StateDir::create(&dir.path().join("state")).unwrap();
        assert!(state.server().unwrap().is_none());
        let claim = state.claim_server().unwrap().unwrap();
        assert!(state.claim_server().unwrap().is_none());
        let record = ServerRecord {
            version: SERVER_VERSION,
            pid: 7,
            address: "http://127.0.0.1:1/".to_owned(),
            token: "a".repeat(64),
            started_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        };
        claim.announce(&record).unwrap();
        let mode = std::fs::metadata(state.server_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(state.server().unwrap().unwrap().pid, 7);
        assert!(!format!("{record:?}").contains(&record.token), "the token is not shown");
        let door = claim.state.write_door("http://127.0.0.1:1/#token=x").unwrap();
        assert_eq!(std::fs::metadata(&door).unwrap().permissions().mode() & 0o777, 0o600);
        drop(claim);
        assert!(state.server().unwrap().is_none());
        assert!(!state.server_path().exists() && !door.exists());
    }
}
