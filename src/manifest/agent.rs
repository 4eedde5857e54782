//! An agent: a program that modes run, as the manifest declares it.

use crate::model::protocol::{Delivery, Protocol};

/// How one agent is started in each kind of mode. `None`: it has no such form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub name: String,
    /// argv in a window.
    pub interactive: Option<Vec<String>>,
    /// argv as a background job.
    pub headless: Option<Vec<String>>,
    pub prompt_interactive: Delivery,
    pub prompt_headless: Delivery,
    pub protocol: Protocol,
}

impl Agent {
    /// An agent of which the manifest has said nothing yet: its prompt is the last argument.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            interactive: None,
            headless: None,
            prompt_interactive: Delivery::Arg,
            prompt_headless: Delivery::Arg,
            protocol: Protocol::Text,
        }
    }

    /// The built-in `claude`, which a block of that name overrides field by field.
    pub(crate) fn claude() -> Self {
        let argv = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        Self {
            interactive: argv(&["claude"]),
            headless: argv(&["claude", "-p", "--output-format", "stream-json", "--verbose"]),
            prompt_headless: Delivery::Stdin,
            protocol: Protocol::Claude,
            ..Self::new("claude")
        }
    }

    pub fn argv(&self, interactive: bool) -> Option<&[String]> {
        if interactive { self.interactive.as_deref() } else { self.headless.as_deref() }
    }
}
