//! Reads the answer of `squeue`. Pure.

use std::collections::BTreeMap;

use crate::model::engine_report::{EngineReport, JobEnd};
use crate::model::run_id::RunId;

/// The columns: id, name, state, reason, nodes. Old, and the same in every version.
pub(super) const FORMAT: &str = "%i|%j|%T|%r|%N";

/// The name of a run's job. Ids come back for other jobs, so that the name alone identifies it.
pub(super) fn job_name(run: &RunId) -> String {
    format!("dispatch-{run}")
}

/// The reports for the runs that an answer names. Lines of other jobs, and lines that cannot be read, are left out.
pub(super) fn reports(answer: &str) -> BTreeMap<RunId, EngineReport> {
    let mut reports: BTreeMap<RunId, EngineReport> = BTreeMap::new();
    for line in answer.lines() {
        let Some((run, report)) = row(line) else { continue };
        // A run may have been submitted twice; only one of both jobs can have started it.
        let is_better = reports.get(&run).is_none_or(|known| rank(&report) > rank(known));
        if is_better {
            reports.insert(run, report);
        }
    }
    reports
}

fn rank(report: &EngineReport) -> u8 {
    match report {
        EngineReport::Runs { .. } => 5,
        EngineReport::Waits { .. } => 4,
        EngineReport::Over { end, .. } => match end {
            JobEnd::TimedOut | JobEnd::OutOfMemory | JobEnd::Preempted | JobEnd::NodeFailed => 3,
            JobEnd::Deadline | JobEnd::Cancelled => 2,
            JobEnd::Completed => 1,
            // A job that finds the run taken exits with an error.
            JobEnd::Failed | JobEnd::BootFailed | JobEnd::Other => 0,
        },
        EngineReport::NotKnown | EngineReport::NoAnswer(_) => 0,
    }
}

fn row(line: &str) -> Option<(RunId, EngineReport)> {
    let mut fields = line.split('|').map(str::trim);
    let (_id, name, state) = (fields.next()?, fields.next()?, fields.next()?);
    let (reason, nodes) = (fields.next()?, fields.next()?);
    let run = RunId::parse(name.strip_prefix("dispatch-")?)?;
    let node = (!nodes.is_empty()).then(|| nodes.to_owned());
    let over = |end| EngineReport::Over { end, node: node.clone() };
    let report = match state {
        "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED" | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => {
            // `None`: it was not looked at yet.
            let reason = if reason == "None" { "" } else { reason };
            EngineReport::Waits { reason: reason.to_owned(), is_stuck: is_stuck(reason) }
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
        // It may still have processes: RUNNING, COMPLETING, CONFIGURING, SUSPENDED, and states of later versions.
        _ => EngineReport::Runs { node },
    };
    Some((run, report))
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

    fn report(state: &str, reason: &str, nodes: &str) -> EngineReport {
        let line = format!("7|dispatch-{RUN}|{state}|{reason}|{nodes}\n");
        reports(&line).remove(&RunId::parse(RUN).unwrap()).unwrap()
    }

    #[test]
    fn each_state_has_its_word() {
        let waits = |reason: &str, is_stuck| EngineReport::Waits { reason: reason.to_owned(), is_stuck };
        assert_eq!(report("PENDING", "Priority", ""), waits("Priority", false));
        for reason in ["PartitionConfig", "DependencyNeverSatisfied", "JobHeldUser", "launch failed requeued held"] {
            assert_eq!(report("PENDING", reason, ""), waits(reason, true));
        }
        let node = || Some("n1".to_owned());
        for state in ["RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "A_LATER_WORD"] {
            assert_eq!(report(state, "None", "n1"), EngineReport::Runs { node: node() }, "{state}");
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
            assert_eq!(report(state, "None", "n1"), EngineReport::Over { end, node: node() }, "{state}");
        }
    }

    #[test]
    fn of_two_jobs_of_one_run_the_one_that_may_have_started_it_counts() {
        let line = |state: &str| format!("1|dispatch-{RUN}|{state}|None|n1\n");
        for answer in [line("FAILED") + &line("RUNNING"), line("RUNNING") + &line("FAILED")] {
            let report = reports(&answer).remove(&RunId::parse(RUN).unwrap());
            assert_eq!(report, Some(EngineReport::Runs { node: Some("n1".to_owned()) }));
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
                let report = reports(&answer).remove(&RunId::parse(RUN).unwrap());
                assert_eq!(report, Some(EngineReport::Over { end, node: Some("n1".to_owned()) }), "{answer}");
            }
        }
    }

    #[test]
    fn lines_of_others_are_left_out() {
        let other = "1|dispatch-x|RUNNING|None|n1\n2|mine|RUNNING|None|n1\nnonsense\n||||\n1|dispatch-\n";
        assert!(reports(other).is_empty());
    }
}
