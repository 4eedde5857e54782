//! What an ended agent amounts to: the agent's report, what the mode expects, the answer saved.

use std::io;

use crate::agent;
use crate::model::run_spec::{RunKind, RunSpec};
use crate::model::run_state::EndState;
use crate::model::usage::Usage;
use crate::supervisor::machine::{Exit, Why};
use crate::supervisor::stage::expect_of;
use crate::system::store::answer::Answer;
use crate::system::store::run_folder::RunFolder;

/// A run's end, before it is written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub state: EndState,
    pub reason: Option<String>,
    pub usage: Usage,
}

/// Judges the agent's stage. Where it succeeded, saves its answer and looks at the files that the
/// mode expects; its `expect.command` is a stage of its own.
pub fn judge_agent(spec: &RunSpec, folder: &RunFolder, why: Why, exit: Option<Exit>) -> Outcome {
    let report = folder.read_stdout().and_then(|log| agent::read_report(spec.protocol, log)).unwrap_or_default();
    let usage = Usage {
        session_id: report.usage.session_id.clone().or_else(|| spec.session_id.clone()),
        ..report.usage.clone()
    };
    let ended = |state, reason: Option<String>| Outcome { state, reason, usage: usage.clone() };
    match why {
        Why::Stopped { .. } => return ended(EndState::Stopped, None),
        Why::TimedOut => {
            let limit = match &spec.kind {
                RunKind::Headless { timeout: Some(timeout), .. } => format!("timeout of {timeout}"),
                _ => "timeout".to_owned(),
            };
            return ended(EndState::TimedOut, Some(limit));
        }
        Why::LogFull => {
            let limit = match &spec.kind {
                RunKind::Headless { log_max: Some(max), .. } => format!("log limit of {max}"),
                _ => "log limit".to_owned(),
            };
            return ended(EndState::Failed, Some(limit));
        }
        Why::CpuUsed => return ended(EndState::Failed, Some("cpu limit".to_owned())),
        Why::Exited => {}
    }
    let Some(exit) = exit else { return ended(EndState::Lost, Some("its end was not seen".to_owned())) };
    let verdict = agent::judge(spec.protocol, agent::Exit { code: exit.code, signal: exit.signal }, &report);
    if verdict.state != EndState::Succeeded {
        return ended(verdict.state, verdict.reason);
    }
    match keep_promises(spec, folder) {
        Ok(()) => ended(EndState::Succeeded, verdict.reason),
        Err(reason) => ended(EndState::Failed, Some(reason)),
    }
}

/// `save_to`, `expect.non_empty` and `expect.files`.
fn keep_promises(spec: &RunSpec, folder: &RunFolder) -> Result<(), String> {
    let expect = expect_of(spec);
    let saving = match &spec.kind {
        RunKind::Headless { save_to, .. } => save_to.as_deref(),
        RunKind::Interactive { .. } => None,
    };
    if saving.is_some() || expect.non_empty {
        let answer = answer(spec, folder).map_err(|error| format!("its answer cannot be read: {error}"))?;
        if expect.non_empty && answer.is_blank().map_err(|error| format!("its answer cannot be read: {error}"))? {
            return Err("expected an answer that is not blank".to_owned());
        }
        if let Some(path) = saving {
            answer
                .save(&spec.cwd, path, spec.umask)
                .map_err(|error| format!("cannot save to `{}`: {error}", path.display()))?;
        }
    }
    for file in &expect.files {
        if !spec.cwd.join(file).exists() {
            return Err(format!("expected file `{}` is missing", file.display()));
        }
    }
    Ok(())
}

/// The agent's final answer: a text of its own, or the whole log.
fn answer(spec: &RunSpec, folder: &RunFolder) -> io::Result<Answer> {
    let text = agent::final_answer(spec.protocol, folder.read_stdout()?)?;
    Ok(text.map_or_else(|| Answer::Log(folder.stdout()), Answer::Text))
}
