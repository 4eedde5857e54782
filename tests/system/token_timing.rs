//! The time of a refusal does not show which byte of a token is wrong: a statistic of ranks, not of times, so that
//! a busy machine changes nothing.

use std::time::{Duration, Instant};

use crate::waiting::rounds;
use crate::world::World;

#[test]
fn a_wrong_token_takes_as_long_wherever_it_is_wrong() {
    let world = World::new();
    let server = world.serve_as("serve --port 0 --json");
    let wrong = |at: usize| {
        let mut token = server.token.clone();
        let other = if token.as_bytes()[at] == b'0' { "1" } else { "0" };
        token.replace_range(at..=at, other);
        format!("Authorization: Bearer {token}")
    };
    let (first, last) = (wrong(0), wrong(63));
    let mut times: Vec<(Duration, bool)> = Vec::new();
    for turn in 0..rounds(2000) {
        let is_first = turn % 2 == 0;
        let begun = Instant::now();
        assert_eq!(server.bare("GET", "/api/runs", &[if is_first { &first } else { &last }]).status, 401);
        times.push((begun.elapsed(), is_first));
    }
    // The rank sum of one kind, in standard deviations from what chance gives.
    times.sort();
    let half = times.len() as f64 / 2.0;
    let sum: f64 = times.iter().zip(1..).filter(|((_, is_first), _)| *is_first).map(|(_, rank)| f64::from(rank)).sum();
    let (mean, spread) = (half * (2.0 * half + 1.0) / 2.0, (half * half * (2.0 * half + 1.0) / 12.0).sqrt());
    let z = (sum - mean) / spread;
    assert!(z.abs() < 5.0, "first and last byte wrong are distinguished: {z}");
    server.assert_alive();
}
