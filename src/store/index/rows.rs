//! The index row of one run, and how a rebuild makes it from the run folder.

use rusqlite::{Connection, params};

use crate::model::exit_record::ExitRecord;
use crate::model::run::RunFacts;
use crate::model::run_id::RunId;
use crate::model::run_state::WaitingFor;
use crate::store::record_file::RecordError;
use crate::store::run_folder::RunFolder;

/// Inserts or updates the row of a run.
pub(super) fn insert(
    connection: &Connection,
    facts: &RunFacts,
    end: Option<&ExitRecord>,
    waiting: Option<WaitingFor>,
) -> rusqlite::Result<()> {
    let json = |error: serde_json::Error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    let facts_json = serde_json::to_string(facts).map_err(json)?;
    let end_json = end.map(serde_json::to_string).transpose().map_err(json)?;
    connection
        .prepare_cached(
            "INSERT INTO runs (run_id, mode, task, ended_ms, cost, facts, end, waiting, slots, agent, state, millis,
               words)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
             ON CONFLICT (run_id) DO UPDATE SET ended_ms = ?4, cost = ?5, facts = ?6, end = ?7, waiting = ?8,
               agent = ?10, state = ?11, millis = ?12, words = ?13",
        )?
        .execute(params![
            facts.run_id.as_str(),
            facts.mode.as_str(),
            facts.task.as_str(),
            end.map(|end| end.ended_at.as_millisecond()),
            end.and_then(|end| end.usage.cost_usd),
            facts_json,
            end_json,
            waiting.map(WaitingFor::as_str),
            facts.slots,
            facts.agent,
            end.map(|end| end.state.as_str()),
            end.filter(|end| end.started_at.is_some()).map(|end| i64::try_from(end.duration_ms).unwrap_or(i64::MAX)),
            end.and_then(|end| end.reason.as_ref()).map(|reason| reason.to_string().to_lowercase()),
        ])?;
    Ok(())
}

/// Adds the row of a run folder. A damaged spec is set aside and reported once, unless the
/// run's owner may be alive. A newer one stays and is reported at
/// each opening, until a program that can read it rebuilds the index.
pub(super) fn insert_folder(
    connection: &Connection,
    folder: &RunFolder,
    id: &RunId,
    notices: &mut Vec<String>,
) -> rusqlite::Result<()> {
    match folder.read_spec() {
        Ok(spec) => {
            let mut facts = RunFacts::of(&spec);
            // In a copied run folder the socket is that of the original's window: drop it.
            facts.socket = facts.socket.filter(|_| folder.id().is_ok_and(|here| here == spec.folder));
            match folder.read_exit() {
                Ok(end) => {
                    let queued = folder.read_queue().ok().flatten().filter(|_| end.is_none());
                    insert(connection, &facts, end.as_ref(), queued.map(|record| record.waiting_for))
                }
                Err(error @ RecordError::Newer { .. }) => note_unreadable(connection, id, &error.to_string()),
                // The next observation of the run sets a damaged end aside.
                Err(_) => insert(connection, &facts, None, None),
            }
        }
        // A command keeps the index open until it has written the spec, and a rebuild waits for that: this run was
        // never made.
        Err(RecordError::Missing(_)) => {
            folder.clear_unmade();
            Ok(())
        }
        Err(error @ RecordError::Damaged { .. }) if !folder.owner_may_live() => {
            notices.push(folder.set_aside(&error));
            Ok(())
        }
        Err(error) => note_unreadable(connection, id, &error.to_string()),
    }
}

fn note_unreadable(connection: &Connection, id: &RunId, why: &str) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('unreadable ' || ?1, ?2)", [id.as_str(), why])?;
    Ok(())
}
