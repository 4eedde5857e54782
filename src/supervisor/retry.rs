//! Decides whether another attempt follows a failed one, and when. Pure: chance and the time of day are arguments.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::agents::RateLimit;
use crate::model::retry::{Retry, RetryOn};

/// Longest backoff, however often it was doubled.
const BACKOFF_MAX: Duration = Duration::from_secs(3600);
/// The longest rate limits last a week; a later end counts as an error and is ignored.
const RESET_MAX: Duration = Duration::from_secs(8 * 86_400);
/// Part of a pause by which chance changes it, so that jobs that failed together do not retry together.
const JITTER: f64 = 0.2;

/// Whether another attempt follows attempt number `attempt` (from 1), which failed with `kind`.
pub fn goes_on(retry: &Retry, attempt: u32, kind: Option<RetryOn>) -> bool {
    attempt <= retry.max && kind.is_some_and(|kind| retry.on.contains(&kind))
}

/// The pause after attempt number `attempt`. `chance` is from 0 to 1.
///
/// A rate limit with a known end is waited out, even beyond the longest backoff.
pub fn pause(retry: &Retry, attempt: u32, limit: Option<&RateLimit>, now: Timestamp, chance: f64) -> Duration {
    let doubled = 2u32.checked_pow(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    let backoff = retry.backoff.as_duration().saturating_mul(doubled).min(BACKOFF_MAX);
    let told = limit.and_then(|limit| limit.resets_at).and_then(|at| left(now, at));
    if let Some(left) = told {
        // Chance only lengthens this pause: the limit must have ended.
        return left + backoff.mul_f64(JITTER * chance);
    }
    let pause = backoff.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance).min(BACKOFF_MAX);
    let requested = limit.and_then(|limit| limit.retry_after).unwrap_or_default().min(BACKOFF_MAX);
    pause.max(requested)
}

/// The time from `now` to `at`; `None` where `at` is past or later than [`RESET_MAX`].
fn left(now: Timestamp, at: Timestamp) -> Option<Duration> {
    let left = at.duration_since(now);
    let left = (left > SignedDuration::ZERO).then(|| left.unsigned_abs())?;
    (left <= RESET_MAX).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::interval::Interval;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn retry(max: u32, backoff: u64, on: &[RetryOn]) -> Retry {
        Retry { max, backoff: Interval::from_secs(backoff), on: on.iter().copied().collect() }
    }

    #[test]
    fn only_what_is_named_and_only_so_often() {
        let some = retry(2, 1, &[RetryOn::Crash]);
        assert!(goes_on(&some, 1, Some(RetryOn::Crash)) && goes_on(&some, 2, Some(RetryOn::Crash)));
        assert!(!goes_on(&some, 3, Some(RetryOn::Crash)), "two after the first");
        assert!(!goes_on(&some, 1, Some(RetryOn::Timeout)) && !goes_on(&some, 1, None));
        assert!(!goes_on(&retry(0, 1, &RetryOn::ALL), 1, Some(RetryOn::Crash)));
    }

    #[test]
    fn the_backoff_doubles_up_to_an_hour_and_chance_moves_it_a_fifth() {
        let some = retry(100, 30, &RetryOn::ALL);
        let secs = |attempt, chance| pause(&some, attempt, None, NOW, chance).as_secs_f64();
        for (attempt, chance, expected) in
            [(1, 0.5, 30.0), (2, 0.5, 60.0), (3, 0.5, 120.0), (1, 0.0, 24.0), (1, 1.0, 36.0), (99, 1.0, 3600.0)]
        {
            assert!((secs(attempt, chance) - expected).abs() < 1e-6, "{attempt} {chance}: {}", secs(attempt, chance));
        }
        assert_eq!(pause(&retry(1, 0, &[]), 1, None, NOW, 1.0), Duration::ZERO);
    }

    #[test]
    fn a_limit_is_waited_out() {
        let some = retry(1, 10, &RetryOn::ALL);
        let at = |secs| RateLimit { resets_at: Timestamp::from_second(secs).ok(), retry_after: None };
        let secs = |limit: RateLimit, chance| pause(&some, 1, Some(&limit), NOW, chance).as_secs_f64();
        assert!((secs(at(4), 0.0) - 4.0).abs() < 1e-6, "also where it is shorter than the backoff");
        assert!((secs(at(5 * 3600), 1.0) - 18_002.0).abs() < 1e-6, "longer than the longest backoff, and never early");
        for past_or_absurd in [at(-5), at(0), at(400 * 86_400)] {
            assert!((secs(past_or_absurd, 0.5) - 10.0).abs() < 1e-6);
        }
        let requested = |secs| RateLimit { resets_at: None, retry_after: Some(Duration::from_secs(secs)) };
        assert!((secs(requested(25), 0.5) - 25.0).abs() < 1e-6 && (secs(requested(3), 0.5) - 10.0).abs() < 1e-6);
    }
}
