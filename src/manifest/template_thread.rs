//! Runs template work on its own thread, with a deep stack and limits on time and memory.
//!
//! Deep stack: the engine parses some expressions by unbounded recursion, and a stack overflow would abort the process.
//! A template is at most 64 KiB, so the deepest recursion is known, and the stack is reserved for it (untouched memory
//! is not used).
//!
//! Limits: fuel counts steps, not bytes, and doubling a text forty times takes few steps. Work that makes the process
//! grow by more than [`GROWTH_MAX`] or takes longer than [`WAIT_MAX`] is abandoned. Its thread cannot be ended from
//! outside and runs until its fuel or the process ends, and a single doubling between two checks can exceed the limit.
//! So a long-lived process must render in a child.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

#[cfg(all(target_os = "linux", not(dispatch_posix)))]
mod linux;
#[cfg(all(target_os = "linux", not(dispatch_posix)))]
use linux::resident;

/// Reserved address space in bytes, the preferred size first: a strict system may refuse the larger one.
const STACKS: [usize; 2] = [512 << 20, 256 << 20];
const CHECK_EVERY: Duration = Duration::from_millis(5);
/// Number of checks in 4 seconds.
const WAIT_MAX: u32 = 800;
/// Growth of the process while one template is rendered, in bytes.
const GROWTH_MAX: u64 = 192 << 20;

/// Why work was abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GivenUp {
    #[error("it takes more than 4 seconds")]
    Time,
    #[error("it takes more than {} MiB of memory", GROWTH_MAX >> 20)]
    Memory,
    #[error("no memory for its stack")]
    Stack,
    #[error("the template engine failed")]
    Panicked,
}

/// Runs `work`, on its own thread unless all `sources` are shallow. Fails if it was abandoned.
pub(crate) fn run_for<T, W>(sources: &[impl AsRef<str>], work: W) -> Result<T, GivenUp>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + Clone + 'static,
{
    if sources.iter().all(|source| is_shallow(source.as_ref())) { Ok(work()) } else { run(work) }
}

/// Whether the braces contain only names, at most with a filter without arguments: neither nesting nor growth is
/// possible.
fn is_shallow(source: &str) -> bool {
    if source.len() > 4096 || source.contains("{%") || source.contains("{#") {
        return false;
    }
    source.split("{{").skip(1).all(|after| match after.split_once("}}") {
        Some((inside, _)) => {
            inside.len() <= 128
                && inside.chars().all(|c| c.is_ascii_alphanumeric() || "_.| -".contains(c))
                && inside.matches('|').count() <= 4
                && !inside.trim_matches('-').contains('-')
        }
        None => false,
    })
}

/// Runs `work` and waits for it.
fn run<T, W>(work: W) -> Result<T, GivenUp>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + Clone + 'static,
{
    for size in STACKS {
        let (sender, receiver) = mpsc::channel();
        let work = work.clone();
        let spawned = thread::Builder::new().name("template".to_owned()).stack_size(size).spawn(move || {
            // The receiver is dropped if the work was abandoned.
            let _ = sender.send(work());
        });
        if spawned.is_ok() {
            return watch(&receiver);
        }
    }
    Err(GivenUp::Stack)
}

fn watch<T>(receiver: &mpsc::Receiver<T>) -> Result<T, GivenUp> {
    let mut first = None;
    for _ in 0..WAIT_MAX {
        match receiver.recv_timeout(CHECK_EVERY) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Disconnected) => return Err(GivenUp::Panicked),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = resident();
        // Growth before the first check is not counted; the limit allows for it.
        let before = *first.get_or_insert(now);
        if now.saturating_sub(before) > GROWTH_MAX {
            return Err(GivenUp::Memory);
        }
    }
    Err(GivenUp::Time)
}

/// Not available: only the time is limited.
#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
fn resident() -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::is_shallow;

    #[test]
    fn only_names_and_bare_filters_are_shallow() {
        for source in ["", "plain", "{{ task.id }}", "a {{ task.id | lower }} b {{ prompt }}", "{{- task.body -}}"] {
            assert!(is_shallow(source), "{source}");
        }
        for source in [
            "{% for x in y %}",
            "{{ 'x' * 9 }}",
            "{{ f(1) }}",
            "{{ a + b }}",
            "{{ ---a }}",
            "{{ a-b }}",
            "{{ [1] }}",
            "{{ open",
        ] {
            assert!(!is_shallow(source), "{source}");
        }
    }
}
