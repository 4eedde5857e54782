//! New identifiers.

use crate::model::run_id::RunId;

/// A new run id, from the time and random bits.
pub fn new_run_id() -> RunId {
    written(ulid::Ulid::generate())
}

/// A new run id that is greater than `last`: if the clock is behind `last`, it is `last` plus a random step. `None` if
/// no greater ULID exists.
pub fn new_run_id_after(last: Option<&RunId>) -> Option<RunId> {
    after(ulid::Ulid::generate(), last)
}

fn after(fresh: ulid::Ulid, last: Option<&RunId>) -> Option<RunId> {
    let id = written(fresh);
    let Some(last) = last.filter(|last| **last >= id) else { return Some(id) };
    // Random, so that two pairs that continue from one id get different ids.
    let step = (fresh.0 & u128::from(u64::MAX)) | 1;
    let next = ulid::Ulid::from_string(last.as_str()).ok()?.0.checked_add(step)?;
    Some(written(ulid::Ulid(next))).filter(|id| id > last)
}

/// Whether this program could have made the id; other ids of this form come from damage.
pub fn is_ulid(id: &RunId) -> bool {
    ulid::Ulid::from_string(id.as_str()).is_ok_and(|ulid| written(ulid) == *id)
}

fn written(ulid: ulid::Ulid) -> RunId {
    RunId::parse(&ulid.to_string()).expect("a ULID is 26 upper-case characters")
}

/// A random (version 4) UUID, the form of an agent's conversation id.
pub fn new_session_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// 32 hexadecimal digits that are unique and cannot be guessed.
pub fn new_random_name() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A random number from 0 to 1.
pub fn chance() -> f64 {
    // The low 62 bits of a version 4 UUID are random.
    let (_, low) = uuid::Uuid::new_v4().as_u64_pair();
    f64::from(low as u32) / f64::from(u32::MAX)
}

/// The time at which a run id was made, by the clock of that host.
pub fn made_at(id: &RunId) -> Option<jiff::Timestamp> {
    let made = ulid::Ulid::from_string(id.as_str()).ok()?;
    jiff::Timestamp::from_millisecond(i64::try_from(made.timestamp_ms()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RunId {
        RunId::parse(text).unwrap()
    }

    #[test]
    fn an_id_is_greater_than_the_last_one_whatever_the_clock_says() {
        let fresh = ulid::Ulid::from_string("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        assert_eq!(after(fresh, None), Some(written(fresh)));
        // Made earlier, in this millisecond, by a clock that was ahead, and by one that was years ahead.
        for last in [
            "01ARZ3NDEK0000000000000000",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "01ARZ3NDEKZZZZZZZZZZZZZZZZ",
            "02ARZ3NDEK0000000000000000",
        ] {
            let next = after(fresh, Some(&id(last))).unwrap();
            assert!(next > id(last), "{next} after {last}");
        }
        assert_eq!(after(fresh, Some(&id("01ARZ3NDEK0000000000000000"))), Some(written(fresh)), "the clock is ahead");
    }

    #[test]
    fn ids_that_are_counted_on_stay_in_order_over_the_end_of_a_millisecond() {
        let fresh = ulid::Ulid::from_string("01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap();
        let mut last = id("02ARZ3NDEKZZZZZZZZZZZZZZZZ");
        for _ in 0..1000 {
            let next = after(fresh, Some(&last)).unwrap();
            assert!(next > last);
            last = next;
        }
        assert!(made_at(&last) > made_at(&id("02ARZ3NDEKZZZZZZZZZZZZZZZZ")));
    }

    #[test]
    fn an_id_that_is_no_ulid_is_told_from_one_that_is() {
        assert!(is_ulid(&new_run_id()) && is_ulid(&id("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")));
        for damaged in ["21O8J9E4SN01K7X5F2QW3T4PF7", "81ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            assert!(!is_ulid(&id(damaged)), "{damaged}");
        }
    }

    #[test]
    fn nothing_is_greater_than_the_greatest_id() {
        let fresh = ulid::Ulid::generate();
        for last in ["7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "ZZZZZZZZZZZZZZZZZZZZZZZZZZ", "UUUUUUUUUUUUUUUUUUUUUUUUUU"] {
            assert_eq!(after(fresh, Some(&id(last))), None, "{last}");
        }
    }
}
