//! What is active and what ended last: the answer of `status`. Only looks.

use std::collections::BTreeSet;

use crate::model::names::Pair;
use crate::model::run::Run;
use crate::runner::ledger::{Ledger, Observed};
use crate::system::store::index::IndexError;

/// So many pairs whose last run ended are shown, where nobody asks for all.
pub const RECENT: u32 = 10;

impl Ledger {
    /// The active runs, and after them the last run of each other pair, the last to end first: at
    /// most `limit` of those.
    pub fn overview(&self, limit: u32) -> Result<Observed, IndexError> {
        // Before the look, which waits for tmux; what it sees end is put in front.
        let earlier = self.last_ended(limit)?;
        let Observed { runs, notices } = self.observe()?;
        let (mut runs, mut ended): (Vec<Run>, Vec<Run>) = runs.into_iter().partition(Run::is_active);
        ended.extend(earlier);
        ended.sort_by_key(|run| std::cmp::Reverse(run.end.as_ref().map(|end| (end.ended_at, run.id().clone()))));
        let mut shown: BTreeSet<Pair> = runs.iter().map(Run::pair).collect();
        ended.retain(|run| shown.insert(run.pair()));
        ended.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        runs.extend(ended);
        Ok(Observed { runs, notices })
    }
}
