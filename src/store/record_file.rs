//! Reads and writes records; each is replaced as a whole, by a temporary file and a rename.
//!
//! A record that is damaged, of another type or newer is reported and left where it is. One whose protocol is unknown is
//! newer: a program that knows it can read it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::protocol::Protocol;

/// Largest record; a larger file counts as damaged.
const MAX_BYTES: u64 = 4 << 20;
/// Name prefix of temporary files.
const UNFINISHED: &str = ".new-";

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("`{}` is missing", .0.display())]
    Missing(PathBuf),
    #[error("`{}` is damaged: {why}", .path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("`{}` was written by a newer version (format {found}, this program knows {known})", .path.display())]
    Newer { path: PathBuf, found: u64, known: u32 },
    #[error("`{}` was written by a newer version (this program does not know the protocol `{protocol}`)", .path.display())]
    NewerProtocol { path: PathBuf, protocol: String },
    #[error("cannot read `{}`", .path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Reads the record at `path`. Fails where it is missing, damaged, of a format newer than `known`, or of an unknown
/// protocol.
pub fn read<T: DeserializeOwned>(path: &Path, known: u32) -> Result<T, RecordError> {
    let bytes = read_bytes(path, MAX_BYTES)?;
    let damaged = |why: String| RecordError::Damaged { path: path.to_owned(), why };
    serde_json::from_slice::<T>(&bytes)
        .map_err(|error| {
            // A newer format may not parse as `T`: report it as newer, not as damaged.
            match (version_of(&bytes), unknown_protocol(&bytes)) {
                (Some(found), _) if found > u64::from(known) => {
                    RecordError::Newer { path: path.to_owned(), found, known }
                }
                (Some(_), Some(protocol)) => RecordError::NewerProtocol { path: path.to_owned(), protocol },
                _ => damaged(error.to_string()),
            }
        })
        .and_then(|record| match version_of(&bytes) {
            Some(found) if found > u64::from(known) => Err(RecordError::Newer { path: path.to_owned(), found, known }),
            Some(_) => Ok(record),
            None => Err(damaged("it has no version".to_owned())),
        })
}

fn version_of(bytes: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Version {
        version: u64,
    }
    serde_json::from_slice::<Version>(bytes).ok().map(|v| v.version)
}

/// The protocol that a record names, if it is a name that this program does not know.
fn unknown_protocol(bytes: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        protocol: String,
    }
    let name = serde_json::from_slice::<Named>(bytes).ok()?.protocol;
    let is_name = (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let is_known = serde_json::from_value::<Protocol>(name.as_str().into()).is_ok();
    (is_name && !is_known).then_some(name)
}

/// Reads a regular file of at most `max` bytes. Follows no link and never blocks on a FIFO.
pub fn read_bytes(path: &Path, max: u64) -> Result<Vec<u8>, RecordError> {
    read_with(path, max, libc::O_NOFOLLOW)
}

/// Like [`read_bytes`] for a user's file, which may be a link.
pub fn read_users_file(path: &Path, max: u64) -> Result<Vec<u8>, RecordError> {
    read_with(path, max, 0)
}

fn read_with(path: &Path, max: u64, flags: i32) -> Result<Vec<u8>, RecordError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => RecordError::Missing(path.to_owned()),
        _ if source.raw_os_error() == Some(libc::ELOOP) => {
            RecordError::Damaged { path: path.to_owned(), why: "it is a symbolic link".to_owned() }
        }
        _ => RecordError::Io { path: path.to_owned(), source },
    };
    let file = fs::OpenOptions::new().read(true).custom_flags(flags | libc::O_NONBLOCK).open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let damaged = |why: &str| RecordError::Damaged { path: path.to_owned(), why: why.to_owned() };
    if !meta.is_file() {
        return Err(damaged("it is not a regular file"));
    }
    if meta.len() > max {
        return Err(damaged("it is too large"));
    }
    let capacity = usize::try_from(meta.len()).unwrap_or(0) + 1;
    // The file may have grown since its size was read.
    read_at_most(file, max, capacity).map_err(failed)?.ok_or_else(|| damaged("it is too large"))
}

/// All of `file`; `None` if it is longer than `max` bytes.
fn read_at_most(file: impl io::Read, max: u64, capacity: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(capacity);
    file.take(max + 1).read_to_end(&mut bytes)?;
    Ok(u64::try_from(bytes.len()).is_ok_and(|length| length <= max).then_some(bytes))
}

/// What a record survives once the write has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The death of any process.
    Process,
    /// A power cut.
    Disk,
}

/// Writes `record`, replacing an existing one.
pub fn write<T: Serialize>(path: &Path, record: &T, durability: Durability) -> io::Result<()> {
    let file = temp_with(path, record, durability)?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(path, durability)
}

/// Writes `record` unless `path` exists. Returns whether this call wrote it: exactly one of several racing writers
/// does.
pub fn write_new<T: Serialize>(path: &Path, record: &T, durability: Durability) -> io::Result<bool> {
    let written = persist_new(temp_with(path, record, durability)?, path)?;
    if written {
        sync_folder(path, durability)?;
    }
    Ok(written)
}

/// Writes a private file as a whole unless `path` exists. Returns whether this call wrote it.
pub fn write_bytes_new(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let mut file = temp_beside(path)?;
    file.write_all(bytes)?;
    persist_new(file, path)
}

fn persist_new(file: tempfile::NamedTempFile, path: &Path) -> io::Result<bool> {
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

/// Removes the temporary files in `folder` whose writers died.
pub fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Renames `path` to the first free `NAME.damaged-N` and never overwrites a file. Fails when 999 of them exist.
pub fn set_aside(path: &Path) -> io::Result<PathBuf> {
    for n in 1..1000 {
        let place = place_aside(path, n);
        match rustix::fs::renameat_with(
            rustix::fs::CWD,
            path,
            rustix::fs::CWD,
            &place,
            rustix::fs::RenameFlags::NOREPLACE,
        ) {
            Ok(()) => return Ok(place),
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other("too many damaged records"))
}

/// Whether something was set aside from `path` before.
pub fn was_set_aside(path: &Path) -> bool {
    place_aside(path, 1).exists()
}

fn place_aside(path: &Path, n: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".damaged-{n}"));
    PathBuf::from(name)
}

/// Whether a folder has entries; false where it cannot be read.
pub fn holds_any(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Writes a user's file, creating the folders above it, unless `path` exists. Returns whether this call wrote it.
pub fn write_text_new(path: &Path, text: &str) -> io::Result<bool> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn temp_with<T: Serialize>(path: &Path, record: &T, durability: Durability) -> io::Result<tempfile::NamedTempFile> {
    let mut file = temp_beside(path)?;
    let mut bytes = serde_json::to_vec(record)?;
    bytes.push(b'\n');
    file.write_all(&bytes)?;
    if durability == Durability::Disk {
        file.as_file().sync_all()?;
    }
    Ok(file)
}

fn temp_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a record needs a folder"))?;
    tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)
}

fn sync_folder(path: &Path, durability: Durability) -> io::Result<()> {
    match (durability, path.parent()) {
        (Durability::Disk, Some(folder)) => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Thing {
        version: u32,
        name: String,
    }

    fn thing() -> Thing {
        Thing { version: 1, name: "x".to_owned() }
    }

    #[test]
    fn the_first_writer_wins() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.json");
        assert!(write_new(&path, &thing(), Durability::Disk).unwrap());
        assert!(!write_new(&path, &Thing { version: 1, name: "y".into() }, Durability::Disk).unwrap());
        assert_eq!(read::<Thing>(&path, 1).unwrap(), thing());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no temp file stays");
    }

    #[test]
    fn a_file_that_grows_while_it_is_read_is_bounded() {
        assert_eq!(read_at_most(&b"1234"[..], 4, 0).unwrap(), Some(b"1234".to_vec()));
        assert_eq!(read_at_most(io::repeat(b'x'), 4, 0).unwrap(), None);
    }

    #[test]
    fn every_truncation_and_kind_of_file_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.json");
        let whole = serde_json::to_vec(&thing()).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(matches!(read::<Thing>(&path, 1), Err(RecordError::Damaged { .. })), "{length}");
        }
        fs::write(&path, br#"{"version":2,"name":"x"}"#).unwrap();
        assert!(matches!(read::<Thing>(&path, 1), Err(RecordError::Newer { found: 2, .. })));
        fs::write(&path, br#"{"version":1,"name":"x","later":true}"#).unwrap();
        assert!(read::<Thing>(&path, 1).is_ok(), "unknown fields are fine");
        fs::remove_file(&path).unwrap();
        assert!(matches!(read::<Thing>(&path, 1), Err(RecordError::Missing(_))));
        fs::create_dir(&path).unwrap();
        assert!(matches!(read::<Thing>(&path, 1), Err(RecordError::Damaged { .. })));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert!(matches!(read::<Thing>(&link, 1), Err(RecordError::Damaged { .. })));
    }
}
