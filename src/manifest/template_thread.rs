//! Runs template work on a thread of its own, with a deep stack and under a watch.
//!
//! Why a deep stack: the engine parses some expressions by recursion without a bound, and a
//! stack overflow would abort the process. A template is at most 64 KiB, so the deepest chain
//! is known, and the stack is reserved for it (memory is only taken where it is touched).
//!
//! Why a watch: fuel counts steps, not bytes; doubling a text forty times takes few steps. A
//! rendering that makes the process grow by more than [`GROWTH_MAX`] or takes longer than
//! [`WAIT_MAX`] is given up. What is left: the given-up thread cannot be ended from outside and
//! runs on until its fuel or the process ends, and one single doubling between two looks can
//! take more than the limit. A long-lived process should render in a child.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

#[cfg(all(target_os = "linux", not(dispatch_posix)))]
mod linux;
#[cfg(all(target_os = "linux", not(dispatch_posix)))]
use linux::resident;

/// Reserved address space, most wanted first: a strict system may refuse the larger.
const STACKS: [usize; 2] = [512 << 20, 256 << 20];
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// In looks: 4 seconds.
const WAIT_MAX: u32 = 800;
/// Growth of the process while one template is rendered, in bytes.
const GROWTH_MAX: u64 = 192 << 20;

/// Why work was given up.
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

/// Runs `work` and waits for it.
pub(crate) fn run<T, W>(work: W) -> Result<T, GivenUp>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + Clone + 'static,
{
    for size in STACKS {
        let (sender, receiver) = mpsc::channel();
        let work = work.clone();
        let spawned = thread::Builder::new().name("template".to_owned()).stack_size(size).spawn(move || {
            // The receiver is gone when the watch has given up; nobody wants the answer then.
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
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Disconnected) => return Err(GivenUp::Panicked),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = resident();
        // The first look comes after the first growth, which the limit allows for.
        let before = *first.get_or_insert(now);
        if now.saturating_sub(before) > GROWTH_MAX {
            return Err(GivenUp::Memory);
        }
    }
    Err(GivenUp::Time)
}

/// Unknown: only the time is watched.
#[cfg(not(all(target_os = "linux", not(dispatch_posix))))]
fn resident() -> u64 {
    0
}
