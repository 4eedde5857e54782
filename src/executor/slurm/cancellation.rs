//! What the answer of `scancel` means. Pure.

use crate::executor::slurm::submission::one_line;

/// Of a job that runs although the controller, which lost its memory of the start, has it in its queue.
const NOT_NOW: &str = "can not be altered now";

/// Fails if the engine did not take the request; its words. `code` is the exit code, `None` for a signal. Success proves
/// nothing: it is also the answer for a job that is not known.
pub(super) fn answer(code: Option<i32>, stderr: &str) -> Result<(), String> {
    let words = one_line(stderr);
    match code {
        Some(0) => Ok(()),
        // A job that has just ended is a failure without words.
        Some(_) if words.is_empty() => Ok(()),
        // Its node reads the request in the run folder.
        Some(_) if words.contains(NOT_NOW) => Ok(()),
        Some(_) => Err(words),
        None => Err("`scancel` was killed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_that_was_not_taken_is_a_failure() {
        assert_eq!(answer(Some(0), ""), Ok(()));
        assert_eq!(answer(Some(228), ""), Ok(()));
        let pending = "scancel: error: Kill job error on job id 13: Job can not be altered now, try again later\n";
        assert_eq!(answer(Some(228), pending), Ok(()));
        let down = "scancel: error: Unable to contact slurm controller (connect failure)\n";
        assert_eq!(answer(Some(1), down), Err("Unable to contact slurm controller (connect failure)".to_owned()));
        assert!(answer(None, "").is_err());
    }
}
