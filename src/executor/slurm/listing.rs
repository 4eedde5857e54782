//! Reads the answer of `squeue`. Pure.

use std::collections::BTreeMap;

use crate::model::engine_word::{EngineWord, JobEnd};
use crate::model::run_id::RunId;

/// The columns: id, name, state, reason, nodes. Old, and the same in every version.
pub(super) const FORMAT: &str = "%i|%j|%T|%r|%N";

/// The name of a run's job. Ids come back for other jobs, so that the name alone identifies it.
pub(super) fn job_name(run: &RunId) -> String {
    format!("dispatch-{run}")
}

/// The words for the runs that an answer names. Lines of other jobs, and lines that cannot be read, are left out.
pub(super) fn words(answer: &str) -> BTreeMap<RunId, EngineWord> {
    let mut words: BTreeMap<RunId, EngineWord> = BTreeMap::new();
    for line in answer.lines() {
        let Some((run, word)) = row(line) else { continue };
        // A run may have been submitted twice; only one of both jobs can have started it.
        let is_better = words.get(&run).is_none_or(|known| rank(&word) > rank(known));
        if is_better {
            words.insert(run, word);
        }
    }
    words
}

fn rank(word: &EngineWord) -> u8 {
    match word {
        EngineWord::Runs { .. } => 5,
        EngineWord::Waits { .. } => 4,
        EngineWord::Over { end, .. } => match end {
            JobEnd::TimedOut | JobEnd::OutOfMemory | JobEnd::Preempted | JobEnd::NodeFailed => 3,
            JobEnd::Deadline | JobEnd::Cancelled => 2,
            JobEnd::Completed => 1,
            // A job that finds the run taken exits with an error.
            JobEnd::Failed | JobEnd::BootFailed | JobEnd::Other => 0,
        },
        EngineWord::NotKnown | EngineWord::NoAnswer(_) => 0,
    }
}

fn row(line: &str) -> Option<(RunId, EngineWord)> {
    let mut fields = line.split('|').map(str::trim);
    let (_id, name, state) = (fields.next()?, fields.next()?, fields.next()?);
    let (reason, nodes) = (fields.next()?, fields.next()?);
    let run = RunId::parse(name.strip_prefix("dispatch-")?)?;
    let node = (!nodes.is_empty()).then(|| nodes.to_owned());
    let over = |end| EngineWord::Over { end, node: node.clone() };
    let word = match state {
        "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED" | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => {
            // `None`: it was not looked at yet.
            let reason = if reason == "None" { "" } else { reason };
            EngineWord::Waits { reason: reason.to_owned(), is_stuck: is_stuck(reason) }
        }
        "COMPLETED" => over(JobEnd::Completed),
        "FAILED" => over(JobEnd::Failed),
        "CANCELLED" | "REVOKED" => over(JobEnd::Cancelled),
        "TIMEOUT" => over(JobEnd::TimedOut),
        "OUT_OF_MEMORY" => over(JobEnd::OutOfMemory),
        "PREEMPTED" => over(JobEnd::Preempted),
        "NODE_FAIL" => over(JobEnd::NodeFailed),
        "DEADLINE" => over(JobEnd::Deadline),
        "BOOT_FAIL" | "LAUNCH_FAILED" | "RECONFIG_FAIL" => over(JobEnd::BootFailed),
        // It may still have processes: RUNNING, COMPLETING, CONFIGURING, SUSPENDED, and words of later versions.
        _ => EngineWord::Runs { node },
    };
    Some((run, word))
}

/// Whether a job with this reason stays in the queue until somebody acts.
fn is_stuck(reason: &str) -> bool {
    let held = reason.contains("held") || reason.contains("Held");
    held || matches!(reason, "PartitionConfig" | "DependencyNeverSatisfied" | "BadConstraints" | "InvalidAccount")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

    fn word(state: &str, reason: &str, nodes: &str) -> EngineWord {
        let line = format!("7|dispatch-{RUN}|{state}|{reason}|{nodes}\n");
        words(&line).remove(&RunId::parse(RUN).unwrap()).unwrap()
    }

    #[test]
    fn each_state_has_its_word() {
        let waits = |reason: &str, is_stuck| EngineWord::Waits { reason: reason.to_owned(), is_stuck };
        assert_eq!(word("PENDING", "Priority", ""), waits("Priority", false));
        for reason in ["PartitionConfig", "DependencyNeverSatisfied", "JobHeldUser", "launch failed requeued held"] {
            assert_eq!(word("PENDING", reason, ""), waits(reason, true));
        }
        let node = || Some("n1".to_owned());
        for state in ["RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "A_LATER_WORD"] {
            assert_eq!(word(state, "None", "n1"), EngineWord::Runs { node: node() }, "{state}");
        }
        for (state, end) in [
            ("COMPLETED", JobEnd::Completed),
            ("FAILED", JobEnd::Failed),
            ("CANCELLED", JobEnd::Cancelled),
            ("TIMEOUT", JobEnd::TimedOut),
            ("OUT_OF_MEMORY", JobEnd::OutOfMemory),
            ("PREEMPTED", JobEnd::Preempted),
            ("NODE_FAIL", JobEnd::NodeFailed),
            ("DEADLINE", JobEnd::Deadline),
            ("BOOT_FAIL", JobEnd::BootFailed),
        ] {
            assert_eq!(word(state, "None", "n1"), EngineWord::Over { end, node: node() }, "{state}");
        }
    }

    #[test]
    fn of_two_jobs_of_one_run_the_one_that_may_have_started_it_counts() {
        let line = |state: &str| format!("1|dispatch-{RUN}|{state}|None|n1\n");
        for answer in [line("FAILED") + &line("RUNNING"), line("RUNNING") + &line("FAILED")] {
            let word = words(&answer).remove(&RunId::parse(RUN).unwrap());
            assert_eq!(word, Some(EngineWord::Runs { node: Some("n1".to_owned()) }));
        }
    }

    #[test]
    fn of_two_ended_jobs_of_one_run_the_one_that_found_it_taken_does_not_count() {
        let line = |state: &str| format!("1|dispatch-{RUN}|{state}|None|n1\n");
        let ends = [
            ("TIMEOUT", JobEnd::TimedOut),
            ("OUT_OF_MEMORY", JobEnd::OutOfMemory),
            ("CANCELLED", JobEnd::Cancelled),
            ("COMPLETED", JobEnd::Completed),
        ];
        for (state, end) in ends {
            for answer in [line("FAILED") + &line(state), line(state) + &line("FAILED")] {
                let word = words(&answer).remove(&RunId::parse(RUN).unwrap());
                assert_eq!(word, Some(EngineWord::Over { end, node: Some("n1".to_owned()) }), "{answer}");
            }
        }
    }

    #[test]
    fn lines_of_others_are_left_out() {
        let other = "1|dispatch-x|RUNNING|None|n1\n2|mine|RUNNING|None|n1\nnonsense\n||||\n1|dispatch-\n";
        assert!(words(other).is_empty());
    }
}
