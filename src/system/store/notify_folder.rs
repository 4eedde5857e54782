//! `notify/` of a state folder: how its user is told, what is still to be told, and who tells it.
//!
//! News wait as files with names of their own, so that the same news come once however many saw
//! them. Must not decide what is worth telling.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::model::notify::{Event, NOTIFY_VERSION, News, NotifySettings, NotifyTrouble};
use crate::system::store::lock_file;
use crate::system::store::record_file::{self, Durability};
use crate::system::store::state_dir::{StateDir, make_folder};

/// More than this at once is not read: the rest comes with the next notice.
const AT_ONCE: usize = 500;

/// See the module. It is made by the first who has something to put there.
#[derive(Clone, Debug)]
pub struct NotifyFolder {
    path: PathBuf,
}

/// The right to tell. Given back when dropped.
#[derive(Debug)]
pub struct Telling {
    _lock: File,
}

/// News, and the file they wait in.
#[derive(Clone, Debug)]
pub struct Pending {
    pub place: PathBuf,
    pub news: News,
}

/// `last.json`.
#[derive(serde::Serialize, serde::Deserialize)]
struct Last {
    version: u32,
    at: Timestamp,
}

impl StateDir {
    pub fn notify(&self) -> NotifyFolder {
        NotifyFolder { path: self.path().join("notify") }
    }
}

impl NotifyFolder {
    /// How the user is told. `None`: not at all; one look at a file that is not there.
    pub fn settings(&self) -> Option<NotifySettings> {
        record_file::read(&self.path.join("settings.json"), NOTIFY_VERSION).ok()
    }

    pub fn keep_settings(&self, settings: Option<&NotifySettings>) -> io::Result<()> {
        let place = self.path.join("settings.json");
        match settings {
            None => match fs::remove_file(place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                other => other,
            },
            Some(settings) if self.settings().as_ref() == Some(settings) => Ok(()),
            Some(settings) => {
                make_folder(&self.path)?;
                record_file::write(&place, settings, Durability::Process)
            }
        }
    }

    /// Lets the news wait to be told. `false`: they wait already.
    pub fn put(&self, news: &News) -> io::Result<bool> {
        make_folder(&self.path)?;
        make_folder(&self.waiting())?;
        let name = match news.what {
            Event::Ended { .. } => format!("{}.ended", news.run_id),
            Event::Waiting { .. } => format!("{}.waiting.{}", news.run_id, news.at.as_millisecond()),
        };
        let place = self.waiting().join(name);
        // Whoever looks again and again sees the same news.
        if fs::symlink_metadata(&place).is_ok() {
            return Ok(false);
        }
        record_file::write_new(&place, news, Durability::Process)
    }

    /// What waits, the oldest run first. What cannot be read is taken away: nobody could tell it.
    pub fn pending(&self) -> Vec<Pending> {
        let mut places: Vec<PathBuf> = self.entries().collect();
        places.sort();
        places.truncate(AT_ONCE);
        let read = |place: PathBuf| match record_file::read(&place, NOTIFY_VERSION) {
            Ok(news) => Some(Pending { place, news }),
            Err(_) => {
                self.take(&place);
                None
            }
        };
        places.into_iter().filter_map(read).collect()
    }

    pub fn has_pending(&self) -> bool {
        self.entries().next().is_some()
    }

    /// What begins with a dot is not written yet; what is no file was put there by others.
    fn entries(&self) -> impl Iterator<Item = PathBuf> {
        let is_news = |name: &std::ffi::OsStr| !name.as_encoded_bytes().starts_with(b".");
        let entries = fs::read_dir(self.waiting()).into_iter().flatten().flatten();
        let is_file = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_file());
        entries.filter(move |entry| is_news(&entry.file_name()) && is_file(entry)).map(|entry| entry.path())
    }

    /// These news wait no more. False where they cannot be taken away.
    pub fn take(&self, place: &Path) -> bool {
        fs::remove_file(place).is_ok() || fs::symlink_metadata(place).is_err()
    }

    /// `None` where somebody else tells.
    pub fn claim(&self) -> io::Result<Option<Telling>> {
        let lock = lock_file::open(&self.path.join("lock"), true)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Telling { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether somebody is at it. Asked with a shared lock: who wants to tell and is kept from it
    /// by this question is replaced by who asked.
    pub fn is_claimed(&self) -> bool {
        let Ok(lock) = lock_file::open(&self.path.join("lock"), false) else { return false };
        matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// When a notice was given last.
    pub fn last(&self) -> Option<Timestamp> {
        record_file::read::<Last>(&self.path.join("last.json"), NOTIFY_VERSION).ok().map(|last| last.at)
    }

    pub fn note_last(&self, at: Timestamp) -> io::Result<()> {
        record_file::write(&self.path.join("last.json"), &Last { version: NOTIFY_VERSION, at }, Durability::Process)
    }

    /// Why the last notice did not arrive; `None` where it did.
    pub fn trouble(&self) -> Option<NotifyTrouble> {
        record_file::read(&self.trouble_path(), NOTIFY_VERSION).ok()
    }

    pub fn note_trouble(&self, trouble: Option<&NotifyTrouble>) {
        let _ = match trouble {
            Some(trouble) => record_file::write(&self.trouble_path(), trouble, Durability::Process),
            None => fs::remove_file(self.trouble_path()),
        };
    }

    fn trouble_path(&self) -> PathBuf {
        self.path.join("trouble.json")
    }

    fn waiting(&self) -> PathBuf {
        self.path.join("news")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::names::{ModeName, TaskId};
    use crate::model::run_state::EndState;
    use crate::system::ids::new_run_id;

    #[test]
    fn the_same_news_wait_once_and_one_tells() {
        let dir = tempfile::tempdir().unwrap();
        let folder = StateDir::create(&dir.path().join("s")).unwrap().notify();
        assert!(folder.settings().is_none() && !folder.has_pending() && !folder.is_claimed());
        folder.keep_settings(None).unwrap();
        let news = News {
            version: NOTIFY_VERSION,
            run_id: new_run_id(),
            mode: ModeName::parse("job").unwrap(),
            task: TaskId::parse("T-1").unwrap(),
            headless: true,
            what: Event::Ended { state: EndState::Failed, reason: None },
            at: Timestamp::UNIX_EPOCH,
        };
        assert!(folder.put(&news).unwrap());
        assert!(!folder.put(&news).unwrap());
        assert!(folder.put(&News { what: Event::Waiting { reason: None }, ..news.clone() }).unwrap());
        fs::write(folder.waiting().join("torn"), "{").unwrap();
        fs::write(folder.waiting().join(".new-x"), "{").unwrap();
        let pending = folder.pending();
        assert_eq!(pending.len(), 2);
        assert_eq!(pending[0].news, news);
        assert!(pending.iter().all(|pending| folder.take(&pending.place)));
        fs::create_dir(folder.waiting().join("no-news")).unwrap();
        assert!(!folder.has_pending(), "nobody waits for ever for what cannot be told");
        assert!(!folder.take(&folder.waiting().join("no-news")));
        let telling = folder.claim().unwrap().unwrap();
        assert!(folder.is_claimed() && folder.claim().unwrap().is_none());
        drop(telling);
        assert!(!folder.is_claimed());
    }
}
