//! Queries of ended runs: a page of them, and each one's figures. All see the same selection.

use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use crate::model::history_cursor::HistoryCursor;
use crate::model::run::Run;
use crate::model::run_id::RunId;
use crate::model::run_state::EndState;
use crate::store::index::{Index, IndexError};

/// Selects ended runs. What is `None` or empty selects all.
#[derive(Clone, Debug, Default)]
pub struct HistoryFilter {
    pub mode: Option<String>,
    /// Only runs of any of these tasks.
    pub tasks: Option<Vec<String>>,
    pub agent: Option<String>,
    pub outcome: Option<EndState>,
    /// In lower case; each must occur in the reason of the end.
    pub words: Vec<String>,
    /// Only runs that ended at or after this time, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Only runs that ended before this time.
    pub before_ms: Option<i64>,
    /// Only runs that sort after this position.
    pub after: Option<HistoryCursor>,
    pub limit: Option<u32>,
}

#[derive(Clone, Debug, Default)]
pub struct HistoryPage {
    /// The last to end first.
    pub runs: Vec<Run>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<HistoryCursor>,
}

/// The figures of an ended run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EndedRow<'a> {
    pub ended_ms: i64,
    pub mode: &'a str,
    pub task: &'a str,
    /// `None` in a record of an older version.
    pub agent: Option<&'a str>,
    pub state: EndState,
    /// `None` if its agent was never started.
    pub millis: Option<u64>,
    pub cost_usd: Option<f64>,
}

/// What the runs on record name, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamesOnRecord {
    pub modes: Vec<String>,
    pub tasks: Vec<String>,
    pub agents: Vec<String>,
}

/// The conditions of a query with their values, and its order and limit.
#[derive(Debug)]
struct Selection {
    sql: String,
    values: Vec<Value>,
}

impl Selection {
    /// Only the conditions that are needed: a mention of another column would keep SQLite from answering by the index
    /// alone.
    fn of(filter: &HistoryFilter, columns: &str) -> Self {
        let sql = format!("SELECT {columns} FROM runs WHERE ended_ms IS NOT NULL");
        let mut selection = Self { sql, values: Vec::new() };
        selection.and("ended_ms >= ?", filter.since_ms);
        selection.and("ended_ms < ?", filter.before_ms);
        selection.and("mode = ?", filter.mode.clone());
        let tasks = filter.tasks.as_ref().map(|tasks| serde_json::json!(tasks).to_string());
        selection.and("task IN (SELECT value FROM json_each(?))", tasks);
        selection.and("agent = ?", filter.agent.clone());
        selection.and("state = ?", filter.outcome.map(|outcome| outcome.as_str().to_owned()));
        // One condition for any number of words: SQLite limits the depth of an expression.
        let words = (!filter.words.is_empty()).then(|| serde_json::json!(filter.words).to_string());
        selection
            .and("words IS NOT NULL AND NOT EXISTS (SELECT 1 FROM json_each(?) WHERE instr(words, value) = 0)", words);
        selection
    }

    fn and(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.sql.push_str(" AND ");
            self.sql.push_str(condition);
            self.values.push(value.into());
        }
    }

    /// Continues after a position, in the order of the history.
    fn page(mut self, filter: &HistoryFilter) -> Self {
        if let Some(after) = &filter.after {
            self.sql.push_str(" AND (ended_ms, run_id) < (?, ?)");
            self.values.extend([after.ended_ms.into(), after.run_id.to_string().into()]);
        }
        self.sql.push_str(" ORDER BY ended_ms DESC, run_id DESC");
        if let Some(limit) = filter.limit {
            // One more row shows whether there is another page.
            self.sql.push_str(" LIMIT ?");
            self.values.push((i64::from(limit) + 1).into());
        }
        self
    }
}

impl Index {
    /// Ended runs, the last to end first. Rows that cannot be read are skipped.
    pub fn past_page(&self, filter: &HistoryFilter) -> Result<HistoryPage, IndexError> {
        if filter.limit == Some(0) {
            return Ok(HistoryPage::default());
        }
        let Selection { sql, values } = Selection::of(filter, "ended_ms, run_id, facts, end").page(filter);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let (mut page, mut last, mut count) = (HistoryPage::default(), None, 0);
        while let Some(row) = rows.next()? {
            if filter.limit == Some(count) {
                page.next = last;
                break;
            }
            count += 1;
            last = RunId::parse(row.get_ref(1)?.as_str().unwrap_or_default())
                .map(|run_id| row.get(0).map(|ended_ms| HistoryCursor { ended_ms, run_id }))
                .transpose()?
                .or(last);
            let (facts, end): (String, String) = (row.get(2)?, row.get(3)?);
            if let (Ok(facts), Ok(end)) = (serde_json::from_str(&facts), serde_json::from_str(&end)) {
                page.runs.push(Run::ended(facts, end));
            }
        }
        Ok(page)
    }

    /// Calls `visit` with each run that the filter selects, the last to end first, whatever `after` and `limit` say.
    pub fn each_ended(&self, filter: &HistoryFilter, visit: &mut dyn FnMut(EndedRow<'_>)) -> Result<(), IndexError> {
        let all = HistoryFilter { after: None, limit: None, ..HistoryFilter::default() };
        let Selection { sql, values } =
            Selection::of(filter, "ended_ms, mode, state, millis, cost, task, agent").page(&all);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            let Some(state) = EndState::parse(row.get_ref(2)?.as_str().unwrap_or_default()) else { continue };
            let millis: Option<i64> = row.get(3)?;
            visit(EndedRow {
                ended_ms: row.get(0)?,
                mode: row.get_ref(1)?.as_str().unwrap_or_default(),
                task: row.get_ref(5)?.as_str().unwrap_or_default(),
                agent: row.get_ref(6)?.as_str_or_null().ok().flatten(),
                state,
                millis: millis.and_then(|millis| u64::try_from(millis).ok()),
                cost_usd: row.get(4)?,
            });
        }
        Ok(())
    }

    /// Names of the runs that have ended.
    pub fn names_on_record(&self) -> Result<NamesOnRecord, IndexError> {
        let distinct = |column: &str| -> Result<Vec<String>, IndexError> {
            let sql = format!(
                "SELECT DISTINCT {column} FROM runs WHERE ended_ms IS NOT NULL AND {column} IS NOT NULL ORDER BY 1"
            );
            let mut statement = self.connection.prepare_cached(&sql)?;
            let names = statement.query_map([], |row: &Row<'_>| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            Ok(names)
        };
        Ok(NamesOnRecord { modes: distinct("mode")?, tasks: distinct("task")?, agents: distinct("agent")? })
    }
}
