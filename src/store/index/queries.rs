//! Queries of the index. Rows that cannot be read are skipped: the run folders are the truth.

use std::collections::HashSet;

use rusqlite::{OptionalExtension as _, params};

use crate::model::names::{ModeName, Pair, TaskId};
use crate::model::run::{Run, RunFacts};
use crate::model::run_id::RunId;
use crate::model::run_state::WaitingFor;
use crate::store::index::{Index, IndexError, Queued};

/// Sums over all ended runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    pub runs: u64,
    /// In milliseconds.
    pub millis: u64,
    pub cost_usd: f64,
}

impl Index {
    /// Queued runs, oldest first. Only candidates: the queue records decide.
    pub fn queued(&self) -> Result<Vec<Queued>, IndexError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT run_id, waiting, slots FROM runs WHERE waiting IS NOT NULL ORDER BY run_id")?;
        let mut rows = statement.query([])?;
        let mut queued = Vec::new();
        while let Some(row) = rows.next()? {
            let id = RunId::parse(row.get_ref(0)?.as_str().unwrap_or_default());
            let waiting_for = WaitingFor::parse(row.get_ref(1)?.as_str().unwrap_or_default());
            let slots: u32 = row.get(2)?;
            queued.extend(id.zip(waiting_for).map(|(id, waiting_for)| Queued { id, waiting_for, slots }));
        }
        Ok(queued)
    }

    /// The cost in USD of the runs that ended at or after `since_ms` (milliseconds since 1970).
    pub fn cost_since(&self, since_ms: i64) -> Result<f64, IndexError> {
        let sum: Option<f64> = self
            .connection
            .prepare_cached("SELECT SUM(cost) FROM runs WHERE ended_ms IS NOT NULL AND ended_ms >= ?1")?
            .query_row([since_ms], |row| row.get(0))?;
        Ok(sum.unwrap_or_default())
    }

    pub fn totals(&self) -> Result<Totals, IndexError> {
        let row = self
            .connection
            .prepare_cached(
                "SELECT COUNT(*), SUM(end ->> 'durationMs'), SUM(cost) FROM runs WHERE ended_ms IS NOT NULL",
            )?
            .query_row([], |row| {
                let count: i64 = row.get(0)?;
                let millis: Option<i64> = row.get(1)?;
                let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
                let cost: Option<f64> = row.get(2)?;
                Ok(Totals {
                    runs: unsigned(count),
                    millis: millis.map(unsigned).unwrap_or_default(),
                    cost_usd: cost.unwrap_or_default(),
                })
            })?;
        Ok(row)
    }

    pub fn pairs_with_end(&self) -> Result<HashSet<Pair>, IndexError> {
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT mode, task FROM runs WHERE ended_ms IS NOT NULL")?;
        let mut rows = statement.query([])?;
        let mut pairs = HashSet::new();
        while let Some(row) = rows.next()? {
            let mode = ModeName::parse(row.get_ref(0)?.as_str().unwrap_or_default());
            let task = TaskId::parse(row.get_ref(1)?.as_str().unwrap_or_default());
            pairs.extend(mode.ok().zip(task.ok()).map(|(mode, task)| Pair { mode, task }));
        }
        Ok(pairs)
    }

    /// The pair's ended run with the greatest id.
    pub fn last_ended_of(&self, pair: &Pair) -> Result<Option<Run>, IndexError> {
        let found: Option<(String, String)> = self
            .connection
            .prepare_cached(
                "SELECT facts, end FROM runs WHERE mode = ?1 AND task = ?2 AND ended_ms IS NOT NULL
                 ORDER BY run_id DESC LIMIT 1",
            )?
            .query_row([pair.mode.as_str(), pair.task.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(found.and_then(|(facts, end)| {
            Some(Run::ended(serde_json::from_str(&facts).ok()?, serde_json::from_str(&end).ok()?))
        }))
    }

    /// Ids of the runs not known to have ended, oldest first, which is also the queue's order.
    pub fn active(&self) -> Result<Vec<RunId>, IndexError> {
        self.ids("SELECT run_id FROM runs WHERE ended_ms IS NULL ORDER BY run_id", params![])
    }

    /// Like [`Self::active`] with the facts of each run, in one query.
    pub fn active_facts(&self) -> Result<Vec<(RunId, Option<RunFacts>)>, IndexError> {
        let mut statement =
            self.connection.prepare_cached("SELECT run_id, facts FROM runs WHERE ended_ms IS NULL ORDER BY run_id")?;
        let mut rows = statement.query([])?;
        let mut active = Vec::new();
        while let Some(row) = rows.next()? {
            let facts = serde_json::from_str(row.get_ref(1)?.as_str().unwrap_or_default()).ok();
            active.extend(RunId::parse(row.get_ref(0)?.as_str().unwrap_or_default()).map(|id| (id, facts)));
        }
        Ok(active)
    }

    /// Ids of a pair's runs that are not known to have ended.
    pub fn active_of(&self, pair: &Pair) -> Result<Vec<RunId>, IndexError> {
        self.ids(
            "SELECT run_id FROM runs WHERE mode = ?1 AND task = ?2 AND ended_ms IS NULL ORDER BY run_id",
            params![pair.mode.as_str(), pair.task.as_str()],
        )
    }

    pub fn pair_of(&self, id: &RunId) -> Result<Option<Pair>, IndexError> {
        let names: Option<(String, String)> = self
            .connection
            .prepare_cached("SELECT mode, task FROM runs WHERE run_id = ?1")?
            .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(names.and_then(|(mode, task)| {
            Some(Pair { mode: ModeName::parse(&mode).ok()?, task: TaskId::parse(&task).ok()? })
        }))
    }

    /// The facts that were recorded before the run folder was created.
    pub fn facts(&self, id: &RunId) -> Result<Option<RunFacts>, IndexError> {
        let text: Option<String> = self
            .connection
            .prepare_cached("SELECT facts FROM runs WHERE run_id = ?1")?
            .query_row([id.as_str()], |row| row.get(0))
            .optional()?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub fn pairs(&self) -> Result<Vec<Pair>, IndexError> {
        let mut statement =
            self.connection.prepare_cached("SELECT DISTINCT mode, task FROM runs ORDER BY mode, task")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut pairs = Vec::new();
        for row in rows {
            let (mode, task) = row?;
            if let (Ok(mode), Ok(task)) = (ModeName::parse(&mode), TaskId::parse(&task)) {
                pairs.push(Pair { mode, task });
            }
        }
        Ok(pairs)
    }

    /// The greatest id of all runs.
    pub fn newest(&self) -> Result<Option<RunId>, IndexError> {
        Ok(self.ids("SELECT run_id FROM runs ORDER BY run_id DESC LIMIT 1", params![])?.pop())
    }

    /// The greatest id of a pair's runs.
    pub fn newest_of(&self, pair: &Pair) -> Result<Option<RunId>, IndexError> {
        let newest = self.ids(
            "SELECT run_id FROM runs WHERE mode = ?1 AND task = ?2 ORDER BY run_id DESC LIMIT 1",
            params![pair.mode.as_str(), pair.task.as_str()],
        );
        Ok(newest?.pop())
    }

    /// All ids of a pair, newest first.
    pub fn of_pair(&self, pair: &Pair) -> Result<Vec<RunId>, IndexError> {
        self.ids(
            "SELECT run_id FROM runs WHERE mode = ?1 AND task = ?2 ORDER BY run_id DESC",
            params![pair.mode.as_str(), pair.task.as_str()],
        )
    }

    /// The greatest id of each pair of a task, in their order.
    pub fn newest_of_task(&self, task: &TaskId) -> Result<Vec<RunId>, IndexError> {
        self.ids(
            "SELECT MAX(run_id) AS newest FROM runs WHERE task = ?1 GROUP BY mode ORDER BY newest",
            params![task.as_str()],
        )
    }

    /// At most `limit` ids that begin with `prefix`, the least first.
    pub fn with_prefix(&self, prefix: &str, limit: u32) -> Result<Vec<RunId>, IndexError> {
        // `[` comes after all characters of an id.
        self.ids(
            "SELECT run_id FROM runs WHERE run_id >= ?1 AND run_id < ?1 || '[' ORDER BY run_id LIMIT ?2",
            params![prefix, limit],
        )
    }

    /// The ids just before and just after this one.
    pub fn neighbours(&self, id: &RunId) -> Result<Vec<RunId>, IndexError> {
        self.ids(
            "SELECT id FROM (SELECT MAX(run_id) AS id FROM runs WHERE run_id < ?1
             UNION ALL SELECT MIN(run_id) FROM runs WHERE run_id > ?1) WHERE id IS NOT NULL",
            params![id.as_str()],
        )
    }

    fn ids(&self, sql: &str, params: &[&dyn rusqlite::ToSql]) -> Result<Vec<RunId>, IndexError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params, |row| row.get::<_, String>(0))?;
        let mut ids = Vec::new();
        for row in rows {
            ids.extend(RunId::parse(&row?));
        }
        Ok(ids)
    }

    /// For each pair its ended run with the greatest id; the last to end first. At most `limit` runs, from the pairs of
    /// the last 200 × `limit` rows, so that the cost does not grow with the history.
    pub fn last_ended(&self, limit: u32) -> Result<Vec<Run>, IndexError> {
        // Time only selects the pairs. Ids decide which run of a pair is its last, since the clock may have gone back
        // between two runs.
        let mut statement = self.connection.prepare_cached(
            "SELECT mode, task FROM runs WHERE ended_ms IS NOT NULL ORDER BY ended_ms DESC, run_id DESC LIMIT ?1",
        )?;
        let mut rows = statement.query([i64::from(limit).saturating_mul(200)])?;
        let mut seen = std::collections::BTreeSet::new();
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            if runs.len() >= limit as usize {
                break;
            }
            let names = (row.get::<_, String>(0)?, row.get::<_, String>(1)?);
            if seen.contains(&names) {
                continue;
            }
            if let (Ok(mode), Ok(task)) = (ModeName::parse(&names.0), TaskId::parse(&names.1)) {
                runs.extend(self.last_ended_of(&Pair { mode, task })?);
            }
            seen.insert(names);
        }
        runs.sort_by_cached_key(|run| {
            let ended_at = run.end.as_ref().map(|end| end.ended_at);
            std::cmp::Reverse((ended_at, run.id().clone()))
        });
        Ok(runs)
    }

    /// Ended runs of a pair, newest first, with the end time in milliseconds since 1970.
    pub fn ended_of(&self, pair: &Pair) -> Result<Vec<(RunId, i64)>, IndexError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT run_id, ended_ms FROM runs WHERE mode = ?1 AND task = ?2 AND ended_ms IS NOT NULL
             ORDER BY run_id DESC",
        )?;
        let rows = statement.query_map([pair.mode.as_str(), pair.task.as_str()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?;
        let mut ended = Vec::new();
        for row in rows {
            let (id, at) = row?;
            ended.extend(RunId::parse(&id).map(|id| (id, at)));
        }
        Ok(ended)
    }
}
