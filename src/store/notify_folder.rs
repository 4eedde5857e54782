//! `notify/` of a state folder: the settings of notices, the pending events, and the notifier's lock.
//!
//! The name of an event's file identifies the event, so it is pending once however many processes observe it. Must not
//! decide what is worth a notice.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::model::notify::{DeliveryFailure, Event, EventDetails, NOTIFY_VERSION, NotifySettings};
use crate::store::lock_file;
use crate::store::record_file::{self, Durability};
use crate::store::state_dir::{StateDir, make_folder};

/// Most events that one notice covers; the next notice covers the rest.
const MAX_PENDING: usize = 500;

/// Created when the first file is written.
#[derive(Clone, Debug)]
pub struct NotifyFolder {
    path: PathBuf,
}

/// The notifier's lock, released when dropped.
#[derive(Debug)]
pub struct NotifierLock {
    _lock: File,
}

/// A pending event and its file.
#[derive(Clone, Debug)]
pub struct Pending {
    pub path: PathBuf,
    pub event: Event,
}

/// `last.json`.
#[derive(serde::Serialize, serde::Deserialize)]
struct LastSent {
    version: u32,
    at: Timestamp,
}

impl StateDir {
    pub fn notify(&self) -> NotifyFolder {
        NotifyFolder { path: self.path().join("notify") }
    }
}

impl NotifyFolder {
    /// `None` where no notices are wanted or the settings cannot be read.
    pub fn settings(&self) -> Option<NotifySettings> {
        record_file::read(&self.path.join("settings.json"), NOTIFY_VERSION).ok()
    }

    pub fn keep_settings(&self, settings: Option<&NotifySettings>) -> io::Result<()> {
        let path = self.path.join("settings.json");
        match settings {
            None => match fs::remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            },
            Some(settings) if self.settings().as_ref() == Some(settings) => Ok(()),
            Some(settings) => {
                make_folder(&self.path)?;
                record_file::write(&path, settings, Durability::Process)
            }
        }
    }

    /// Makes the event pending. `false` where it is pending already.
    pub fn put(&self, event: &Event) -> io::Result<bool> {
        make_folder(&self.path)?;
        make_folder(&self.pending_folder())?;
        let name = match event.what {
            EventDetails::Ended { .. } => format!("{}.ended", event.run_id),
            EventDetails::Waiting { .. } => format!("{}.waiting.{}", event.run_id, event.at.as_millisecond()),
        };
        let path = self.pending_folder().join(name);
        // Each observation of the run reports the event again; this check saves writing a temporary file.
        if fs::symlink_metadata(&path).is_ok() {
            return Ok(false);
        }
        record_file::write_new(&path, event, Durability::Process)
    }

    /// The pending events, the oldest run first. A file that cannot be read is removed.
    pub fn pending(&self) -> Vec<Pending> {
        let mut paths: Vec<PathBuf> = self.entries().collect();
        paths.sort();
        paths.truncate(MAX_PENDING);
        let read = |path: PathBuf| match record_file::read(&path, NOTIFY_VERSION) {
            Ok(event) => Some(Pending { path, event }),
            Err(_) => {
                self.remove(&path);
                None
            }
        };
        paths.into_iter().filter_map(read).collect()
    }

    pub fn has_pending(&self) -> bool {
        self.entries().next().is_some()
    }

    /// Skips names that begin with a dot (temporary files) and folders.
    fn entries(&self) -> impl Iterator<Item = PathBuf> {
        let is_event = |name: &std::ffi::OsStr| !name.as_encoded_bytes().starts_with(b".");
        let entries = fs::read_dir(self.pending_folder()).into_iter().flatten().flatten();
        let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
        entries.filter(move |entry| is_event(&entry.file_name()) && is_file(entry)).map(|entry| entry.path())
    }

    /// Removes a pending event. False where its file cannot be removed.
    pub fn remove(&self, path: &Path) -> bool {
        fs::remove_file(path).is_ok() || fs::symlink_metadata(path).is_err()
    }

    /// `None` where another notifier holds it.
    pub fn lock(&self) -> io::Result<Option<NotifierLock>> {
        let lock = lock_file::open(&self.path.join("lock"), true)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(NotifierLock { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether a notifier runs. Tries a shared lock; a notifier that starts at that moment cannot lock and exits, and
    /// the caller then starts another.
    pub fn is_locked(&self) -> bool {
        let Ok(lock) = lock_file::open(&self.path.join("lock"), false) else { return false };
        matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// When the last notice was sent.
    pub fn last_sent(&self) -> Option<Timestamp> {
        record_file::read::<LastSent>(&self.path.join("last.json"), NOTIFY_VERSION).ok().map(|last| last.at)
    }

    pub fn note_sent(&self, at: Timestamp) -> io::Result<()> {
        record_file::write(&self.path.join("last.json"), &LastSent { version: NOTIFY_VERSION, at }, Durability::Process)
    }

    /// Why the last notice was not delivered; `None` where it was.
    pub fn last_failure(&self) -> Option<DeliveryFailure> {
        record_file::read(&self.failure_path(), NOTIFY_VERSION).ok()
    }

    pub fn note_failure(&self, failure: Option<&DeliveryFailure>) {
        let _ = match failure {
            Some(failure) => record_file::write(&self.failure_path(), failure, Durability::Process),
            None => fs::remove_file(self.failure_path()),
        };
    }

    fn failure_path(&self) -> PathBuf {
        self.path.join("trouble.json")
    }

    fn pending_folder(&self) -> PathBuf {
        self.path.join("news")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::{ModeName, TaskId};
    use crate::model::run_form::RunForm;
    use crate::model::run_state::EndState;
    use crate::os::ids::new_run_id;

    #[test]
    fn the_same_news_wait_once_and_one_tells() {
        let dir = tempfile::tempdir().unwrap();
        let folder = StateDir::create(&dir.path().join("s")).unwrap().notify();
        assert!(folder.settings().is_none() && !folder.has_pending() && !folder.is_locked());
        folder.keep_settings(None).unwrap();
        let event = Event {
            version: NOTIFY_VERSION,
            run_id: new_run_id(),
            mode: ModeName::parse("job").unwrap(),
            task: TaskId::parse("T-1").unwrap(),
            form: RunForm::Headless,
            what: EventDetails::Ended { state: EndState::Failed, reason: None },
            at: Timestamp::UNIX_EPOCH,
        };
        assert!(folder.put(&event).unwrap());
        assert!(!folder.put(&event).unwrap());
        assert!(folder.put(&Event { what: EventDetails::Waiting { reason: None }, ..event.clone() }).unwrap());
        fs::write(folder.pending_folder().join("torn"), "{").unwrap();
        fs::write(folder.pending_folder().join(".new-x"), "{").unwrap();
        let pending = folder.pending();
        assert_eq!(pending.len(), 2);
        assert_eq!(pending[0].event, event);
        assert!(pending.iter().all(|pending| folder.remove(&pending.path)));
        fs::create_dir(folder.pending_folder().join("no-news")).unwrap();
        assert!(!folder.has_pending(), "a folder is no pending event");
        assert!(!folder.remove(&folder.pending_folder().join("no-news")));
        let lock = folder.lock().unwrap().unwrap();
        assert!(folder.is_locked() && folder.lock().unwrap().is_none());
        drop(lock);
        assert!(!folder.is_locked());
    }
}
