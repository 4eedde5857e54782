//! An agent: a program that modes run, as the manifest declares it.

use crate::agents;
use crate::model::protocol::{PromptDelivery, Protocol};
use crate::model::run_form::RunForm;

/// How an agent is started in each kind of mode. `None`: it does not support that kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub name: String,
    /// argv in a window.
    pub interactive: Option<Vec<String>>,
    /// argv as a background job.
    pub headless: Option<Vec<String>>,
    pub prompt_interactive: PromptDelivery,
    pub prompt_headless: PromptDelivery,
    pub protocol: Protocol,
    /// The arguments that choose a model, with `{{ model }}` for its name; empty: `--model` is refused.
    pub model: Vec<String>,
}

impl Agent {
    /// An agent with the default of each key: the prompt is the last argument.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            interactive: None,
            headless: None,
            prompt_interactive: PromptDelivery::Arg,
            prompt_headless: PromptDelivery::Arg,
            protocol: Default::default(),
            model: Vec::new(),
        }
    }

    /// The built-in agent of `protocol`.
    pub(crate) fn built_in(protocol: Protocol) -> Option<Self> {
        let built_in = agents::of(protocol).built_in()?;
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Some(Self {
            name: built_in.name.to_owned(),
            interactive: Some(words(built_in.interactive)),
            headless: Some(words(built_in.headless)),
            prompt_interactive: built_in.prompt_interactive,
            prompt_headless: built_in.prompt_headless,
            protocol,
            model: words(built_in.model),
        })
    }

    pub fn argv(&self, form: RunForm) -> Option<&[String]> {
        match form {
            RunForm::Interactive => self.interactive.as_deref(),
            RunForm::Headless => self.headless.as_deref(),
        }
    }

    pub fn prompt(&self, form: RunForm) -> PromptDelivery {
        match form {
            RunForm::Interactive => self.prompt_interactive,
            RunForm::Headless => self.prompt_headless,
        }
    }
}
