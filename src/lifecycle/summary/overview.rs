//! The runs that `status` shows: active ones and those that ended last. Only reads.

use std::collections::BTreeSet;

use crate::lifecycle::observe::EarlyListing;
use crate::lifecycle::refresh;
use crate::lifecycle::store::{Observed, Store};
use crate::model::names::Pair;
use crate::model::run::Run;
use crate::store::index::IndexError;

/// Default number of pairs whose last run has ended.
pub const RECENT: u32 = 10;

/// The active runs, then the last run of each other pair, sorted by end, latest first: at most `limit` of those.
/// `early`: a listing that was started before.
pub fn overview(store: &Store, limit: u32, early: Option<EarlyListing>) -> Result<Observed, IndexError> {
    let early = early.or_else(|| EarlyListing::begin(store.state()));
    // Query while tmux lists its panes. `compose` adds the runs that are observed to end.
    let earlier = store.last_ended(limit)?;
    let Observed { runs, notices } = refresh::all_with(store, early)?;
    Ok(Observed { runs: compose(runs, earlier, limit), notices })
}

/// [`overview`] from observed runs and `earlier` ended ones.
pub(crate) fn compose(seen: Vec<Run>, earlier: Vec<Run>, limit: u32) -> Vec<Run> {
    let (mut runs, mut ended): (Vec<Run>, Vec<Run>) = seen.into_iter().partition(Run::is_active);
    ended.extend(earlier);
    // The last run of a pair is the one with the greatest id: the clock may have gone back.
    ended.sort_by(|a, b| b.id().cmp(a.id()));
    let mut shown: BTreeSet<Pair> = runs.iter().map(Run::pair).collect();
    ended.retain(|run| shown.insert(run.pair()));
    ended.sort_by_key(|run| std::cmp::Reverse(run.end.as_ref().map(|end| (end.ended_at, run.id().clone()))));
    ended.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    runs.extend(ended);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run_state::RunState;
    use crate::snapshot::for_tests::{ended, run};

    #[test]
    fn each_pair_is_shown_once_and_the_last_ends_first() {
        let seen = vec![run(1, RunState::Running), ended(2, 50)];
        let earlier = vec![ended(3, 60), ended(2, 50), ended(1, 40), ended(4, 30)];
        let tasks = |limit| -> Vec<String> {
            compose(seen.clone(), earlier.clone(), limit).iter().map(|run| run.facts.task.to_string()).collect()
        };
        assert_eq!(tasks(10), ["T-1", "T-3", "T-2", "T-4"]);
        assert_eq!(tasks(1), ["T-1", "T-3"]);
    }
}
