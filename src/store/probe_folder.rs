//! A temporary folder through which `doctor` asks a node of an engine. Removed when dropped.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::model::node_probe::{PROBE_VERSION, ProbeAnswer, ProbeRequest};
use crate::store::record_file::{self, Durability};

#[derive(Debug)]
pub struct ProbeFolder {
    folder: tempfile::TempDir,
    inode: u64,
    /// Locked while the probe runs.
    _lock: File,
}

impl ProbeFolder {
    /// Makes one in `parent`, with the request and a held lock.
    pub fn create(parent: &Path, request: &ProbeRequest) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(".dispatch-probe-").tempdir_in(parent)?;
        let lock = File::create(folder.path().join("lock"))?;
        lock.lock()?;
        record_file::write(&folder.path().join("request.json"), request, Durability::Disk)?;
        let inode = fs::symlink_metadata(folder.path())?.ino();
        Ok(Self { folder, inode, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The answer, once the node has written it, and whether the node sees the same folder.
    pub fn answer(&self) -> Option<(ProbeAnswer, bool)> {
        let answer: ProbeAnswer = record_file::read(&self.path().join("answer.json"), PROBE_VERSION).ok()?;
        let is_same = answer.inode == self.inode;
        Some((answer, is_same))
    }
}

/// On the node: answers the request in `folder`. Fails if it cannot be read or answered.
pub fn answer(folder: &Path, node: Option<String>) -> io::Result<()> {
    let request: ProbeRequest =
        record_file::read(&folder.join("request.json"), PROBE_VERSION).map_err(io::Error::other)?;
    let lock = File::open(folder.join("lock"))?;
    let missing = |paths: &[PathBuf], is_there: fn(&Path) -> bool| {
        paths.iter().filter(|path| !is_there(path)).cloned().collect::<Vec<_>>()
    };
    let answer = ProbeAnswer {
        version: PROBE_VERSION,
        node,
        inode: fs::symlink_metadata(folder)?.ino(),
        // Shared: on NFS, a file that is open for reading alone takes no exclusive lock.
        is_locked: matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)),
        missing_programs: missing(&request.programs, is_program),
        missing_folders: missing(&request.folders, Path::is_dir),
    };
    record_file::write(&folder.join("answer.json"), &answer, Durability::Disk)
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_answers_what_it_sees() {
        let dir = tempfile::tempdir().unwrap();
        let request = ProbeRequest {
            version: PROBE_VERSION,
            programs: vec!["/bin/sh".into(), "/none".into()],
            folders: vec![dir.path().to_owned(), "/none".into()],
        };
        let probe = ProbeFolder::create(dir.path(), &request).unwrap();
        assert!(probe.answer().is_none());
        answer(probe.path(), Some("n1".to_owned())).unwrap();
        let (answer, is_same) = probe.answer().unwrap();
        assert!(is_same && answer.is_locked);
        assert_eq!((answer.missing_programs, answer.missing_folders), (vec!["/none".into()], vec!["/none".into()]));
        drop(probe);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
