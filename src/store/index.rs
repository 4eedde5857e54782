//! The index: an SQLite copy of the run records, for queue order, history and a fast `status`.
//!
//! It is rebuilt from the run folders when it is missing, damaged, of another schema version or of an earlier boot (its
//! writes are not synced, so a power cut may tear it). A run's row is written before its folder, so no folder lacks a
//! row.

mod history;
mod queries;
mod rows;

pub use history::{EndedRow, HistoryFilter, HistoryPage, NamesOnRecord};
pub use queries::Totals;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, params};

use crate::model::exit_record::ExitRecord;
use crate::model::run::RunFacts;
use crate::model::run_id::RunId;
use crate::model::run_state::WaitingFor;
use crate::store::index::rows::{insert, insert_folder};
use crate::store::lock_file::{self, Hold};
use crate::store::record_file::{self};
use crate::store::run_folder::RunFolder;
use crate::store::run_removal;
use crate::store::state_dir::StateDir;

/// `PRAGMA user_version` of this program's tables.
const SCHEMA_VERSION: i64 = 4;

const SCHEMA: &str = "
CREATE TABLE runs (
  run_id   TEXT PRIMARY KEY,
  mode     TEXT NOT NULL,
  task     TEXT NOT NULL,
  ended_ms INTEGER,            -- NULL while the run is not known to have ended
  cost     REAL,
  waiting  TEXT,               -- of a queued run: what it was seen to wait for
  slots    INTEGER,            -- of a queued job: it may use slots below this
  agent    TEXT,
  state    TEXT,               -- the outcome
  millis   INTEGER,            -- the duration; NULL if its agent was never started
  words    TEXT,               -- the reason of the end in lower case, for a search
  facts    TEXT NOT NULL,
  end      TEXT
) WITHOUT ROWID;
CREATE INDEX active ON runs(run_id) WHERE ended_ms IS NULL;
CREATE INDEX queue ON runs(run_id) WHERE waiting IS NOT NULL;
-- Holds what the figures of the history need: without it they would read every row with its texts.
CREATE INDEX by_end ON runs(ended_ms, run_id, mode, task, agent, state, millis, cost) WHERE ended_ms IS NOT NULL;
CREATE INDEX by_pair ON runs(mode, task, run_id);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// Why the index could not be used, even after a rebuild.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("the index cannot be used")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the index cannot be made")]
    Io(#[from] io::Error),
}

impl IndexError {
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Sqlite(error) if is_damage(error))
    }

    /// Whether another process held the lock for too long.
    pub fn is_locked(&self) -> bool {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy),
            Self::Io(error) => error.kind() == io::ErrorKind::TimedOut,
        }
    }
}

#[derive(Debug)]
pub struct Index {
    connection: Connection,
    /// Shared while an index is open, exclusive during a rebuild, so that no row goes into a file that is being
    /// replaced. Keep an `Index` only briefly: a rebuild waits until it is dropped.
    _open: File,
    of_this_folder: bool,
    notices: Vec<String>,
}

/// A queued run, as recorded in the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    pub id: RunId,
    pub waiting_for: WaitingFor,
    /// The job may use slots below this number; 0 for a window.
    pub slots: u32,
}

impl Index {
    /// Opens the index of `state`, rebuilding it if needed. Fails where its lock is held too long or a rebuild fails.
    pub fn open(state: &StateDir, boot_id: &str) -> Result<Self, IndexError> {
        let path = state.index();
        let lock = lock_file::open(&lock_path(state), true)?;
        lock_file::lock(&lock, &lock_path(state), Hold::Shared)?;
        let mut notices = Vec::new();
        let (connection, about) = match Self::try_open(&path, boot_id) {
            Ok(Some(opened)) => opened,
            Ok(None) => Self::rebuild(state, boot_id, &lock, None, &mut notices)?,
            Err(error) if is_damage(&error) => {
                Self::rebuild(state, boot_id, &lock, Some(error.to_string()), &mut notices)?
            }
            Err(error) => return Err(error.into()),
        };
        notices.extend(about.unreadable);
        let of_this_folder = about.folder == Some(identity(state)?);
        Ok(Self { connection, _open: lock, of_this_folder, notices })
    }

    /// `None` where a rebuild is needed without damage: no file, another boot, another schema version.
    fn try_open(path: &Path, boot_id: &str) -> rusqlite::Result<Option<(Connection, About)>> {
        match fs::symlink_metadata(path) {
            Err(_) => return Ok(None),
            Ok(meta) if !meta.is_file() => return Err(rusqlite::Error::InvalidPath(path.to_owned())),
            Ok(_) => {}
        }
        let connection = connect(path)?;
        let about = About::read(&connection)?;
        let usable = about.version == SCHEMA_VERSION && about.boot.as_deref() == Some(boot_id);
        Ok(usable.then_some((connection, about)))
    }

    fn rebuild(
        state: &StateDir,
        boot_id: &str,
        lock: &File,
        damage: Option<String>,
        notices: &mut Vec<String>,
    ) -> Result<(Connection, About), IndexError> {
        let path = state.index();
        lock.unlock()?;
        lock_file::lock(lock, &lock_path(state), Hold::Exclusive)?;
        // Re-check: another process may have rebuilt it while this one waited for the lock.
        if let Ok(Some(opened)) = Self::try_open(&path, boot_id) {
            lock.unlock()?;
            lock_file::lock(lock, &lock_path(state), Hold::Shared)?;
            return Ok(opened);
        }
        if let Some(why) = damage {
            match record_file::set_aside(&path) {
                Ok(aside) => notices.push(format!(
                    "`{}` was damaged ({why}); set aside as `{}` and rebuilt from the run folders",
                    path.display(),
                    aside.display()
                )),
                // Another process, whose query found the damage, may have set it aside already.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Build under another name and rename: no process can open a partial index.
        let building = state.path().join("dispatch.db.building");
        for file in [&building, &with_suffix(&building, "-journal")] {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // SQLite gives its side files the mode of the database.
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&building)?;
            let mut connection = connect(&building)?;
            let transaction = connection.transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            transaction
                .execute("INSERT INTO meta VALUES ('boot', ?1), ('folder', ?2)", [boot_id, &identity(state)?])?;
            run_removal::finish_removals(&state.runs_folder());
            for id in state.run_ids()? {
                insert_folder(&transaction, &RunFolder::at(state.run(&id)), &id, notices)?;
            }
            transaction.commit()?;
            connection.close().map_err(|(_, error)| error)?;
            let _ = fs::remove_file(with_suffix(&building, "-journal"));
        }
        // SQLite would apply the side files of the replaced index to the new one.
        for suffix in ["-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(with_suffix(&path, suffix));
        }
        fs::rename(&building, &path)?;
        let connection = connect(&path)?;
        let about = About::read(&connection)?;
        lock.unlock()?;
        lock_file::lock(lock, &lock_path(state), Hold::Shared)?;
        Ok((connection, about))
    }

    /// Sets aside an index that a query found damaged; the next `open` rebuilds it.
    pub fn set_aside(state: &StateDir, why: &IndexError) -> Result<(), IndexError> {
        match record_file::set_aside(&state.index()) {
            // Another process has set it aside already.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
            Ok(place) => {
                tracing::warn!(%why, "the index was set aside as `{}`", place.display());
                Ok(())
            }
        }
    }

    /// False in a copy of the state folder: the tmux data in its index belongs to the original folder.
    pub fn is_of_this_folder(&self) -> bool {
        self.of_this_folder
    }

    /// What opening repaired, as messages for the user.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Adds the row of a run that is about to be created. For a queued run, call this with `waiting` before the queue
    /// record is written: a queue record without such a row would be missed.
    pub fn insert(&self, facts: &RunFacts, waiting: Option<WaitingFor>) -> Result<(), IndexError> {
        insert(&self.connection, facts, None, waiting)?;
        Ok(())
    }

    /// Records the end of a run.
    pub fn finish(&self, facts: &RunFacts, end: &ExitRecord) -> Result<(), IndexError> {
        insert(&self.connection, facts, Some(end), None)?;
        Ok(())
    }

    /// Records what a queued run waits for; `None`: it no longer waits.
    pub fn set_waiting(&self, id: &RunId, waiting: Option<WaitingFor>) -> Result<(), IndexError> {
        self.connection
            .prepare_cached("UPDATE runs SET waiting = ?2 WHERE run_id = ?1")?
            .execute(params![id.as_str(), waiting.map(WaitingFor::as_str)])?;
        Ok(())
    }

    /// Runs `work` in one transaction. Fails where `work`, the begin or the commit fails.
    pub fn at_once<T, E: From<IndexError>>(&self, work: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| E::from(error.into()))?;
        let done = work(self);
        // Commit after a failure too: a row without a record is harmless, a record without a row is not.
        if let Err(error) = self.connection.execute_batch("COMMIT") {
            let _ = self.connection.execute_batch("ROLLBACK");
            return Err(E::from(error.into()));
        }
        done
    }

    /// Removes the row of a run that was never created, or was pruned.
    pub fn remove(&self, id: &RunId) -> Result<(), IndexError> {
        self.connection.prepare_cached("DELETE FROM runs WHERE run_id = ?1")?.execute([id.as_str()])?;
        Ok(())
    }
}

fn lock_path(state: &StateDir) -> PathBuf {
    state.path().join("index.lock")
}

/// Device and inode, which differ in a copy of the state folder.
fn identity(state: &StateDir) -> io::Result<String> {
    let id = RunFolder::at(state.runs_folder()).id()?;
    Ok(format!("{} {}", id.device, id.inode))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    // Else a statement is prepared again each time it gets other values, since the planner has looked at them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    // A persistent rollback journal works on every file system, and for commands that open, query and close the index
    // it costs a third of a write-ahead log.
    connection.query_row("PRAGMA journal_mode = PERSIST", [], |_| Ok(()))?;
    Ok(connection)
}

/// The version and metadata of an index, read by one query.
#[derive(Debug, Default)]
struct About {
    version: i64,
    boot: Option<String>,
    folder: Option<String>,
    /// Messages about records that a newer program wrote.
    unreadable: Vec<String>,
}

impl About {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut about = Self::default();
        let mut statement = connection.prepare(
            "SELECT 'version', CAST(user_version AS TEXT) FROM pragma_user_version UNION ALL SELECT key, value FROM meta",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (key, value): (String, String) = (row.get(0)?, row.get(1)?);
            match key.as_str() {
                "version" => about.version = value.parse().unwrap_or_default(),
                "boot" => about.boot = Some(value),
                "folder" => about.folder = Some(value),
                _ => about.unreadable.push(value),
            }
        }
        Ok(about)
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown)
        }
        rusqlite::Error::InvalidPath(_)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::Utf8Error(..)
        // The queries are fixed: an SQL error means that the table has other columns.
        | rusqlite::Error::SqlInputError { .. } => true,
        _ => false,
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
