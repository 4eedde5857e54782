//! What a request changes for one run only: template variables, the agent's model, variables of the environment.

use crate::lifecycle::launch::prepare_error::PrepareError;
use crate::lifecycle::launch::request::StartRequest;
use crate::manifest::{Agent, Manifest, Mode};
use crate::model::nearest::nearest;
use crate::model::placeholders::{WordPart, split};
use crate::model::run_overrides::RunOverrides;

/// Fails if a template variable is not declared, the mode cannot honour an option, or a text cannot be handed to a
/// program.
pub(crate) fn check(manifest: &Manifest, mode: &Mode, request: &StartRequest) -> Result<(), PrepareError> {
    let RunOverrides { env: _, vars, timeout, model } = &request.overrides;
    for name in vars.keys() {
        if !manifest.vars.contains_key(name) {
            let known: Vec<String> = manifest.vars.keys().cloned().collect();
            let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
            return Err(PrepareError::UnknownVariable { name: name.clone(), nearest, known });
        }
    }
    if timeout.is_some() && mode.form.has_window() {
        return Err(PrepareError::HeadlessOnly { option: "--timeout", mode: mode.name.to_string() });
    }
    if let Some(model) = model {
        if model.trim().is_empty() {
            return Err(PrepareError::EmptyModel);
        }
        if manifest.agents.get(&mode.agent).is_some_and(|agent| agent.model.is_empty()) {
            return Err(PrepareError::NoModel { mode: mode.name.to_string(), agent: mode.agent.clone() });
        }
    }
    if vars.values().chain(model).any(|text| text.contains('\0')) {
        return Err(PrepareError::Nul { what: "value" });
    }
    Ok(())
}

/// The arguments that choose the model of the request; none without one.
pub(super) fn model_words(agent: &Agent, request: &StartRequest) -> Vec<String> {
    let Some(model) = &request.overrides.model else { return Vec::new() };
    let filled = |word: &String| {
        let parts = split(word, &["model"]).unwrap_or_else(|_| vec![WordPart::Text(word)]);
        let text = |part: &WordPart<'_>| match *part {
            WordPart::Text(text) => text.to_owned(),
            WordPart::Placeholder(_) => model.clone(),
        };
        parts.iter().map(text).collect()
    };
    agent.model.iter().map(filled).collect()
}

/// What the spec of the run keeps.
pub(super) fn recorded(request: &StartRequest) -> RunOverrides {
    RunOverrides { env: request.given_env.keys().cloned().collect(), ..request.overrides.clone() }
}
