//! The state folder: its checks, its locks and the paths of its parts. It is private to its owner (mode 0700) and has a
//! `.gitignore` that covers all of it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use crate::model::names::Pair;
use crate::model::run_id::RunId;
use crate::store::lock_file::{self, Hold};
use crate::store::record_file;

/// A state folder that is a real folder, belongs to this user and is not writable by others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDir {
    path: PathBuf,
}

/// Where runs that live without a record were searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    Processes,
    /// Also the panes of the project's tmux server.
    Windows,
}

/// Lock of [`StateDir::lock_folders`]; released when dropped.
#[derive(Debug)]
pub struct FoldersLock {
    _file: fs::File,
}

/// Lock of [`StateDir::lock_engines`]; released when dropped.
#[derive(Debug)]
pub struct EnginesLock {
    _file: fs::File,
}

/// Lock of [`StateDir::lock_up`]; released when dropped.
#[derive(Debug)]
pub struct UpLock {
    _file: fs::File,
}

/// Lock of [`StateDir::lock_terminals`]; released when dropped.
#[derive(Debug)]
pub struct TerminalsLock {
    _file: fs::File,
}

/// Lock of [`StateDir::share_worktree`] or [`StateDir::own_worktree`]; released when dropped.
#[derive(Debug)]
pub struct WorktreeLock {
    _file: fs::File,
}

/// Lock of [`StateDir::lock_new_tasks`]; released when dropped.
#[derive(Debug)]
pub struct NewTasksLock {
    _file: fs::File,
}

/// Lock of [`StateDir::lock_merge`]; released when dropped.
#[derive(Debug)]
pub struct MergeLock {
    _file: fs::File,
    /// The folder of the temporary checkout, which only the holder may use.
    pub checkout: PathBuf,
}

const PARTS: [&str; 3] = ["runs", "pairs", "slots"];

/// Why a state folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    #[error("the state folder `{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    #[error("the state folder `{}` is a git checkout", .0.display())]
    Checkout(PathBuf),
    #[error("the state folder `{}` belongs to another user (uid {owner})", .path.display())]
    Owner { path: PathBuf, owner: u32 },
    #[error("the state folder `{}` can be written by others (mode {mode:o})", .path.display())]
    Writable { path: PathBuf, mode: u32 },
    #[error("a run lives in the state folder `{}`, which an older version made and which is no longer used", .path.display())]
    Older {
        path: PathBuf,
        /// The folder of the manifest that used it.
        folder: PathBuf,
    },
    #[error("cannot use the state folder `{}`", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl StateDir {
    /// Opens an existing folder; `None` where there is none, so that a read-only command creates nothing. Fails where
    /// the owner, the type or the permissions are wrong.
    pub fn find(path: &Path) -> Result<Option<Self>, StateDirError> {
        match fs::metadata(path) {
            Ok(meta) => Self::check(path, &meta).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateDirError::Io { path: path.to_owned(), source }),
        }
    }

    /// Opens the folder, creating it and its parts where they are missing. Fails where the folder is a git checkout.
    pub fn create(path: &Path) -> Result<Self, StateDirError> {
        let failed = |source| StateDirError::Io { path: path.to_owned(), source };
        if let Some(found) = Self::find(path)?
            && PARTS.iter().all(|part| is_real_folder(&found.path.join(part)))
        {
            return Ok(found);
        }
        if fs::symlink_metadata(path.join(".git")).is_ok() {
            return Err(StateDirError::Checkout(path.to_owned()));
        }
        let parent = path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        make_folder(path).map_err(failed)?;
        let state = Self::check(path, &fs::metadata(path).map_err(failed)?)?;
        // Before the parts: once they exist, `create` does not check this file again.
        record_file::write_bytes_new(&path.join(".gitignore"), b"*\n").map_err(failed)?;
        for part in PARTS {
            let part = path.join(part);
            make_folder(&part).map_err(|_| StateDirError::NotAFolder(part.clone()))?;
        }
        Ok(state)
    }

    fn check(path: &Path, meta: &fs::Metadata) -> Result<Self, StateDirError> {
        let path = path.to_owned();
        if !meta.is_dir() {
            return Err(StateDirError::NotAFolder(path));
        }
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(StateDirError::Owner { path, owner: meta.uid() });
        }
        let mode = meta.mode() & 0o7777;
        if mode & 0o022 != 0 {
            return Err(StateDirError::Writable { path, mode });
        }
        // Run folders are compared by path with what tmux reports: keep one canonical spelling.
        let path = fs::canonicalize(&path).map_err(|source| StateDirError::Io { path, source })?;
        Ok(Self { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn runs_folder(&self) -> PathBuf {
        self.path.join("runs")
    }

    pub fn run(&self, id: &RunId) -> PathBuf {
        self.path.join("runs").join(id.as_str())
    }

    pub fn pair(&self, pair: &Pair) -> PathBuf {
        self.path.join("pairs").join(pair.mode.as_str()).join(pair.task.as_str())
    }

    pub fn slot(&self, number: u32) -> PathBuf {
        self.path.join("slots").join(number.to_string())
    }

    /// Held while a command decides which exclusive run gets a folder. Fails after a bounded wait, as all locks here.
    pub fn lock_folders(&self) -> io::Result<FoldersLock> {
        let lock = self.locked("folders.lock")?;
        Ok(FoldersLock { _file: lock })
    }

    /// Held from the count of an engine's runs until a further one counts.
    pub fn lock_engines(&self) -> io::Result<EnginesLock> {
        let lock = self.locked("engines.lock")?;
        Ok(EnginesLock { _file: lock })
    }

    /// Held by `up` from the observation of the runs until its plan is carried out: one `up` after the other.
    pub fn lock_up(&self) -> io::Result<UpLock> {
        let lock = self.locked("up.lock")?;
        Ok(UpLock { _file: lock })
    }

    /// Held from the search for the id of a new task until its file is there.
    pub fn lock_new_tasks(&self) -> io::Result<NewTasksLock> {
        let lock = self.locked("tasks.lock")?;
        Ok(NewTasksLock { _file: lock })
    }

    /// Held while a branch is merged: one merge after the other.
    pub fn lock_merge(&self) -> io::Result<MergeLock> {
        let lock = self.locked("merge.lock")?;
        Ok(MergeLock { _file: lock, checkout: self.path.join("merge") })
    }

    /// Held from the check of a worktree until a new run in it is recorded, so that no process removes the worktree in
    /// between. Other runs may start there too.
    pub fn share_worktree(&self, path: &Path) -> io::Result<WorktreeLock> {
        Ok(WorktreeLock { _file: self.lock_worktree(path, Hold::Shared)? })
    }

    /// Held while a worktree is removed or its branch merged: no run can start there.
    pub fn own_worktree(&self, path: &Path) -> io::Result<WorktreeLock> {
        Ok(WorktreeLock { _file: self.lock_worktree(path, Hold::Exclusive)? })
    }

    /// The lock's name is a hash: a path may be longer than a file name and contains slashes.
    fn lock_worktree(&self, path: &Path, hold: Hold) -> io::Result<fs::File> {
        let folder = self.path.join("worktrees");
        make_folder(&folder)?;
        let hash = blake3::hash(path.as_os_str().as_bytes()).to_hex();
        let path = folder.join(&hash.as_str()[..32]);
        let file = lock_file::open(&path, true)?;
        lock_file::lock(&file, &path, hold)?;
        Ok(file)
    }

    /// Locks the lock file `name`.
    fn locked(&self, name: &str) -> io::Result<fs::File> {
        let path = self.path.join(name);
        let file = lock_file::open(&path, true)?;
        lock_file::lock(&file, &path, Hold::Exclusive)?;
        Ok(file)
    }

    /// Held while a terminal opens, so that two requests do not open two.
    pub fn lock_terminals(&self) -> io::Result<TerminalsLock> {
        let lock = self.locked("terminals.lock")?;
        Ok(TerminalsLock { _file: lock })
    }

    /// Whether a search found no live run whose record was in an earlier folder at this path.
    pub fn is_searched(&self, search: Search) -> bool {
        self.searched_path(search).exists()
    }

    /// Records that a search found none. The record is lost with the folder of the pair locks.
    pub fn note_searched(&self, search: Search) -> io::Result<()> {
        record_file::write_bytes_new(&self.searched_path(search), b"").map(drop)
    }

    /// No mode has such a name, so no pair's folder can conflict.
    fn searched_path(&self, search: Search) -> PathBuf {
        self.path.join("pairs").join(match search {
            Search::Processes => ".searched",
            Search::Windows => ".searched-windows",
        })
    }

    /// The canonical path of a state folder, also where it does not exist.
    pub fn spelled(path: &Path) -> PathBuf {
        let parent = || Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?));
        fs::canonicalize(path).ok().or_else(parent).unwrap_or_else(|| path.to_owned())
    }

    pub fn index(&self) -> PathBuf {
        self.path.join("dispatch.db")
    }

    /// The tmux socket of the last window that was created. Only a hint which server to query first: a missing or old
    /// one causes no error.
    pub fn windows_hint(&self) -> Option<PathBuf> {
        let bytes = record_file::read_bytes(&self.windows_path(), 4096).ok()?;
        Some(PathBuf::from(OsString::from_vec(bytes))).filter(|path| path.is_absolute())
    }

    /// Stores the hint that [`Self::windows_hint`] returns, or removes it.
    pub fn hint_windows(&self, socket: Option<&Path>) {
        let path = self.windows_path();
        let done = match socket {
            Some(socket) if self.windows_hint().as_deref() == Some(socket) => Ok(()),
            Some(socket) => fs::write(path, socket.as_os_str().as_bytes()),
            None => fs::remove_file(path),
        };
        if let Err(error) = done {
            tracing::debug!(%error, "the hint of windows cannot be kept");
        }
    }

    fn windows_path(&self) -> PathBuf {
        self.path.join("windows")
    }

    /// The ids of all run folders, oldest first. Other names are skipped.
    pub fn run_ids(&self) -> io::Result<Vec<RunId>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(self.runs_folder())? {
            let name = entry?.file_name();
            ids.extend(name.to_str().and_then(RunId::parse));
        }
        ids.sort();
        Ok(ids)
    }
}

/// Creates a folder with mode 0700, or accepts an existing one.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_real_folder(path) => Ok(()),
        other => other,
    }
}

/// A folder and not a link to one: through a planted link this program would write elsewhere.
fn is_real_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_folder_is_private_and_ignores_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/state");
        assert!(StateDir::find(&path).unwrap().is_none());
        let state = StateDir::create(&path).unwrap();
        assert_eq!(fs::metadata(state.path()).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_to_string(path.join(".gitignore")).unwrap(), "*\n");
        assert_eq!(StateDir::create(&path).unwrap(), state);
    }

    #[test]
    fn a_folder_others_can_write_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(StateDir::create(dir.path()), Err(StateDirError::Writable { .. })));
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(StateDir::find(&file), Err(StateDirError::NotAFolder(_))));
    }
}
