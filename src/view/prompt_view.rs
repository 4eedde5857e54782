//! What a run was started with, as JSON.

use std::path::PathBuf;

use serde::Serialize;

use crate::model::run_spec::RunSpec;

/// Names of variables only, never their values. Bytes that are not UTF-8 are U+FFFD.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptView {
    pub run_id: String,
    /// As it was sent to the agent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prompt: String,
    /// The part of it that was given for this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// The agent's arguments that were given for this run.
    pub extras: Vec<String>,
    pub program: PathBuf,
    /// `argv[0]` first, without the prompt.
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    /// How the prompt reached the agent: `arg`, `stdin`, `file` or `none`.
    pub delivery: &'static str,
    /// The variables of `env:` and `pass_env:`. `None`: the record is older.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pass_env: Option<Vec<String>>,
    /// The run whose conversation it resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumes: Option<String>,
}

impl PromptView {
    pub fn new(spec: &RunSpec, prompt: &[u8], given: Option<&[u8]>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let declared = spec.declared.as_ref();
        Self {
            run_id: spec.run_id.to_string(),
            prompt: text(prompt),
            given: given.map(text),
            extras: spec.extras.clone(),
            program: spec.program.clone(),
            argv: spec.argv.clone(),
            cwd: spec.cwd.clone(),
            delivery: spec.delivery.as_str(),
            env: declared.map(|declared| declared.env.keys().cloned().collect()),
            pass_env: declared.map(|declared| declared.pass_env.iter().cloned().collect()),
            resumes: spec.resumes.as_ref().map(ToString::to_string),
        }
    }
}
