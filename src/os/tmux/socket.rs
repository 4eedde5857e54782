//! Finds the socket of the intended server, by tmux's own rule.
//!
//! With `-S` tmux neither creates the folder `tmux-UID` nor checks its mode: both are done here, by tmux's own rule.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::os::tmux::Tmux;
use crate::os::tmux::error::TmuxError;

/// The part of the environment that tmux uses to find its socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketEnv {
    /// `$TMUX`: `SOCKET,PID,SESSION`.
    pub tmux: Option<String>,
    pub tmux_tmpdir: Option<PathBuf>,
    pub uid: u32,
}

impl SocketEnv {
    /// The values of this process.
    pub fn here() -> Self {
        Self {
            tmux: std::env::var("TMUX").ok(),
            tmux_tmpdir: std::env::var_os("TMUX_TMPDIR").map(PathBuf::from),
            uid: rustix::process::getuid().as_raw(),
        }
    }

    /// The socket of the tmux in which this process runs.
    pub fn surrounding(&self) -> Option<PathBuf> {
        let socket = self.tmux.as_deref()?.split(',').next()?;
        (!socket.is_empty()).then(|| PathBuf::from(socket))
    }

    /// The id `$N` of the session in which this process runs.
    pub fn session_id(&self) -> Option<String> {
        self.tmux.as_deref()?.split(',').nth(2).map(|number| format!("${number}"))
    }
}

impl Tmux {
    /// `name` is a `-L` name; without it, the server that `tmux` alone would use.
    pub fn resolve_socket(name: Option<&str>, env: &SocketEnv) -> PathBuf {
        if name.is_none()
            && let Some(socket) = env.surrounding()
        {
            return socket;
        }
        // tmux also ignores a folder that cannot be resolved.
        let base = env.tmux_tmpdir.as_deref().and_then(|folder| fs::canonicalize(folder).ok());
        let base = base.or_else(|| fs::canonicalize("/tmp").ok()).unwrap_or_else(|| PathBuf::from("/tmp"));
        base.join(folder_name(env.uid)).join(name.unwrap_or("default"))
    }

    /// Creates tmux's own folder if it is missing. Fails if other users can write there. A socket elsewhere is the
    /// user's choice and not checked.
    pub(super) fn prepare_socket_folder(&self) -> Result<(), TmuxError> {
        let uid = rustix::process::getuid().as_raw();
        match self.socket.parent() {
            Some(folder) if folder.ends_with(folder_name(uid)) => prepare(folder, uid),
            _ => Ok(()),
        }
    }
}

fn folder_name(uid: u32) -> String {
    format!("tmux-{uid}")
}

fn prepare(folder: &Path, uid: u32) -> Result<(), TmuxError> {
    let unsafe_dir = |why: String| TmuxError::UnsafeSocketDir { folder: folder.to_owned(), why };
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(unsafe_dir(format!("it cannot be made: {error}"))),
    }
    let found = fs::symlink_metadata(folder).map_err(|error| unsafe_dir(error.to_string()))?;
    if !found.is_dir() {
        Err(unsafe_dir("it is not a folder".to_owned()))
    } else if found.uid() != uid {
        Err(unsafe_dir(format!("it belongs to user {}", found.uid())))
    } else if found.mode() & 0o007 != 0 {
        Err(unsafe_dir(format!("others may enter it (mode {:o}; fix: `chmod 700`)", found.mode() & 0o777)))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn env(tmux: Option<&str>, tmpdir: Option<&Path>) -> SocketEnv {
        SocketEnv { tmux: tmux.map(str::to_owned), tmux_tmpdir: tmpdir.map(Path::to_owned), uid: 77 }
    }

    #[test]
    fn finds_the_socket_tmux_would_find() {
        let folder = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let tmp = fs::canonicalize("/tmp").unwrap();
        let resolve = Tmux::resolve_socket;

        assert_eq!(resolve(None, &env(None, None)), tmp.join("tmux-77/default"));
        assert_eq!(resolve(None, &env(Some(""), None)), tmp.join("tmux-77/default"));
        assert_eq!(resolve(None, &env(Some("/x/s,12,0"), Some(&link))), Path::new("/x/s"));
        assert_eq!(resolve(Some("own"), &env(Some("/x/s,12,0"), Some(&link))), real.join("tmux-77/own"));
        assert_eq!(resolve(None, &env(None, Some(Path::new("/no/such")))), tmp.join("tmux-77/default"));
    }

    #[test]
    fn makes_the_folder_private_and_refuses_an_open_one() {
        let base = tempfile::tempdir().unwrap();
        let uid = rustix::process::getuid().as_raw();
        let folder = base.path().join(folder_name(uid));
        let tmux = Tmux::new(folder.join("default"));

        tmux.prepare_socket_folder().unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        tmux.prepare_socket_folder().unwrap();

        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        let error = tmux.prepare_socket_folder().unwrap_err();
        assert!(matches!(error, TmuxError::UnsafeSocketDir { .. }) && error.to_string().contains("755"), "{error}");
        assert!(matches!(prepare(&folder, uid + 1).unwrap_err(), TmuxError::UnsafeSocketDir { .. }));

        fs::remove_dir(&folder).unwrap();
        std::os::unix::fs::symlink("/tmp", &folder).unwrap();
        assert!(matches!(tmux.prepare_socket_folder(), Err(TmuxError::UnsafeSocketDir { .. })));
    }
}
