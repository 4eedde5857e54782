//! Run ids as people type them: a unique prefix in any case. Must not be used for ids in paths of HTTP requests.

use crate::lifecycle::failure::{Failure, Kind};
use crate::lifecycle::store::Store;
use crate::model::names::Pair;
use crate::model::run_id::RunId;
use crate::store::index::IndexError;

/// Shortest prefix that tables show, in characters.
const SHORTEST: usize = 8;
/// Most candidates that an error names.
const NAMED: u32 = 10;

#[derive(Debug, thiserror::Error)]
pub enum RunPrefixError {
    #[error("`{0}` is not a run id")]
    NotAnId(String),
    #[error("there is no run `{0}`")]
    Unknown(String),
    #[error("several run ids begin with `{typed}`")]
    Ambiguous { typed: String, candidates: Vec<(RunId, Option<Pair>)>, is_all: bool },
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// The run whose id begins with `typed`. A whole id is returned even if there is no such run.
pub fn find(store: Option<&Store>, typed: &str) -> Result<RunId, RunPrefixError> {
    let prefix = typed.to_ascii_uppercase();
    if let Some(id) = RunId::parse(&prefix) {
        return Ok(id);
    }
    if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(RunPrefixError::NotAnId(typed.to_owned()));
    }
    let Some(store) = store else { return Err(RunPrefixError::Unknown(typed.to_owned())) };
    let mut ids = store.with_index(|index| index.with_prefix(&prefix, NAMED + 1))?;
    match (ids.pop(), ids.is_empty()) {
        (None, _) => Err(RunPrefixError::Unknown(typed.to_owned())),
        (Some(id), true) => Ok(id),
        (Some(last), false) => {
            ids.push(last);
            let is_all = ids.len() <= NAMED as usize;
            ids.truncate(NAMED as usize);
            let pair = |id: &RunId| store.with_index(|index| index.pair_of(id));
            let with_pair = |id: RunId| pair(&id).map(|pair| (id, pair));
            let candidates = ids.into_iter().map(with_pair).collect::<Result<_, _>>()?;
            Err(RunPrefixError::Ambiguous { typed: typed.to_owned(), candidates, is_all })
        }
    }
}

/// How many first characters of each of `ids` tell it from all other runs: one number for all of them, at least 8.
pub fn unique_length<'a>(store: &Store, ids: impl Iterator<Item = &'a RunId>) -> Result<usize, IndexError> {
    let mut length = SHORTEST;
    for id in ids {
        let neighbours = store.with_index(|index| index.neighbours(id))?;
        for other in &neighbours {
            let common = id.as_str().bytes().zip(other.as_str().bytes()).take_while(|(a, b)| a == b).count();
            length = length.max(common + 1);
        }
    }
    Ok(length)
}

impl From<RunPrefixError> for Failure {
    fn from(error: RunPrefixError) -> Self {
        let found = Self::new(Kind::Usage, error.to_string());
        match error {
            RunPrefixError::NotAnId(_) | RunPrefixError::Unknown(_) => found.hint("`dispatch history` lists them"),
            RunPrefixError::Ambiguous { candidates, is_all, .. } => {
                let name = |(id, pair): &(RunId, Option<Pair>)| {
                    pair.as_ref().map_or_else(|| id.to_string(), |pair| format!("{id} ({pair})"))
                };
                let found = candidates.iter().map(name).fold(found, Self::hint);
                if is_all { found } else { found.hint("`dispatch history` lists all of them") }
            }
            RunPrefixError::Index(error) => error.into(),
        }
    }
}
