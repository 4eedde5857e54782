//! Decides which ended runs of a pair are pruned. Pure: the current time is a parameter.

use jiff::Timestamp;

use crate::model::run_id::RunId;
use crate::model::run_spec::Keep;

/// Those of `ended` (newest first) that `keep` does not cover. The newest is always kept: `status` and `logs` show it.
pub fn to_prune(ended: &[(RunId, Timestamp)], keep: &Keep, now: Timestamp) -> Vec<RunId> {
    let expired = |at: &Timestamp| {
        keep.max_age.is_some_and(|age| {
            let age_ms = i64::try_from(age.as_duration().as_millis()).unwrap_or(i64::MAX);
            now.as_millisecond().saturating_sub(at.as_millisecond()) > age_ms
        })
    };
    let count = usize::try_from(keep.runs_per_pair).unwrap_or(usize::MAX);
    ended
        .iter()
        .enumerate()
        .filter(|(index, (_, at))| *index > 0 && (*index >= count || expired(at)))
        .map(|(_, (id, _))| id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::interval::Interval;

    #[test]
    fn the_newest_stays_and_count_and_age_bound_the_rest() {
        let id = |n: i64| RunId::parse(&format!("01ARZ3NDEKTSV4RRFFQ69G5F{n:02}")).unwrap();
        let ended: Vec<_> = (0..4).map(|n| (id(n), Timestamp::from_second(1000 - n * 100).unwrap())).collect();
        let now = Timestamp::from_second(1000).unwrap();
        let keep = |runs_per_pair, max_age| Keep { runs_per_pair, max_age };
        assert_eq!(to_prune(&ended, &keep(2, None), now), [id(2), id(3)]);
        assert_eq!(to_prune(&ended, &keep(9, Some(Interval::from_secs(150))), now), [id(2), id(3)]);
        assert_eq!(to_prune(&ended, &keep(0, Some(Interval::from_secs(0))), now), [id(1), id(2), id(3)]);
    }
}
