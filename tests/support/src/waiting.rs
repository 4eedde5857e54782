//! Waiting for conditions: the only place of the tests that sleeps.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Asks until the answer is `Ok`, for ten seconds; then panics with the last `Err`.
#[track_caller]
pub fn wait_until<T>(what: &str, condition: impl FnMut() -> Result<T, String>) -> T {
    wait_for(PATIENCE, what, condition)
}

#[track_caller]
pub fn wait_for<T>(patience: Duration, what: &str, mut condition: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    let mut pause = Duration::from_micros(500);
    loop {
        match condition() {
            Ok(value) => return value,
            Err(last) if start.elapsed() > patience => {
                panic!("gave up after {:.1?} waiting until {what}; last seen: {last}", start.elapsed())
            }
            Err(_) => thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// A condition that has nothing to hand over.
pub fn is(condition: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise.into()) }
}

/// `full` with `ROUNDS=full`, else a tenth; of a large count a thirtieth where `ROUNDS` is not set at all, so that
/// `cargo test` is short.
pub fn rounds(full: usize) -> usize {
    match std::env::var("ROUNDS").as_deref() {
        Ok("full") => full,
        Err(_) if full >= 500 => full.div_ceil(30),
        _ => full.div_ceil(10),
    }
}

/// Lets a random moment come, for tests that kill at random moments. Never to wait for something.
pub fn let_pass(moment: Duration) {
    thread::sleep(moment);
}
