//! Reads the answer of a job without a recorded end from its log; the job may be alive or lost. Judges nothing.

use crate::agents;
use crate::model::answer_record::{AnswerRecord, Answered};
use crate::model::protocol::Protocol;
use crate::model::run_spec::RunSpec;
use crate::model::usage::Usage;
use crate::store::run_folder::RunFolder;

/// The answer of a living agent that has answered.
pub(crate) fn of_living(folder: &RunFolder, protocol: Protocol, answered: Option<&Answered>) -> Option<String> {
    let mut log = folder.read_stdout(answered?.stdout_from).ok()?;
    agents::of(protocol).read_report(&mut log).ok()?.answer.and_then(AnswerRecord::kept)
}

/// The answer and cost of a job whose supervisor was lost; `answered` is what the supervisor had recorded of them.
pub(crate) fn of_lost(spec: &RunSpec, folder: &RunFolder, answered: Option<&Answered>) -> (AnswerRecord, Usage) {
    let attempts = folder.read_attempts();
    let from = attempts.last().map_or(0, |attempt| attempt.stdout_to);
    let log = folder.read_stdout(from);
    let report = log.and_then(|mut log| agents::of(spec.protocol).read_report(&mut log)).unwrap_or_default();
    let spent = attempts.iter().filter_map(|attempt| attempt.cost_usd).reduce(|sum, cost| sum + cost);
    let before = Usage { cost_usd: spent, session_id: spec.session_id.clone(), ..Usage::default() };
    let mut answer = AnswerRecord::default();
    if report.has_answered() {
        answer.at = answered.map(|answered| answered.at).or_else(|| folder.stdout_written_at());
        answer.text = report.answer.and_then(AnswerRecord::kept);
    }
    (answer, before.and_then(report.usage))
}
