//! Renders the prompt of a run, byte for byte, and chooses how the agent receives it.

use crate::agents;
use crate::lifecycle::launch::prepare::PrepareError;
use crate::manifest::templates::Templates;
use crate::manifest::{Mode, PromptSource};
use crate::model::protocol::PromptDelivery;
use crate::os::ids;
use crate::tasks::Task;

/// Linux refuses a single argument of this many bytes, including its NUL.
pub(crate) const MAX_ARGUMENT: usize = 128 * 1024;

/// Replaces a prompt that is not UTF-8 while a template is rendered; the bytes are inserted afterwards.
pub(crate) struct Placeholder {
    pub(crate) text: String,
    bytes: Option<Vec<u8>>,
}

impl Placeholder {
    pub(crate) fn for_prompt(prompt: Option<&[u8]>) -> Self {
        match prompt.map(std::str::from_utf8) {
            None => Self { text: String::new(), bytes: None },
            Some(Ok(text)) => Self { text: text.to_owned(), bytes: None },
            Some(Err(_)) => {
                Self { text: format!("\u{e000}{}\u{e000}", ids::new_run_id()), bytes: prompt.map(<[u8]>::to_vec) }
            }
        }
    }

    fn fill(&self, text: String) -> Vec<u8> {
        let Some(bytes) = &self.bytes else { return text.into_bytes() };
        let mut out = Vec::with_capacity(text.len() + bytes.len());
        let mut parts = text.split(&self.text);
        out.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
        for part in parts {
            out.extend_from_slice(bytes);
            out.extend_from_slice(part.as_bytes());
        }
        out
    }
}

/// The prompt of `mode` for `task`; `words` is the typed text.
pub(crate) fn of(
    mode: &Mode,
    task: &Task,
    words: Option<&[u8]>,
    templates: &Templates,
    value: &minijinja::Value,
    placeholder: &Placeholder,
) -> Result<Option<Vec<u8>>, PrepareError> {
    let given = words.is_some();
    // A typed prompt that the template does not use is appended after a blank line.
    let with_prompt = |text: String, used: bool| match given && !used {
        true => format!("{}\n\n{}", text.trim_end_matches('\n'), placeholder.text),
        false => text,
    };
    let text = match &mode.prompt {
        PromptSource::None => return Ok(words.map(<[u8]>::to_vec)),
        PromptSource::Inline(source) => {
            let text = templates.render_inline(&format!("prompt of mode `{}`", mode.name), source, value)?;
            with_prompt(text, templates.uses_prompt(source))
        }
        PromptSource::Template(path) => {
            let rendered = templates.render_file(path, value)?;
            with_prompt(rendered.text, rendered.used_prompt)
        }
        PromptSource::Command { name, .. } if given => format!("/{name} {} {}", task.id, placeholder.text),
        PromptSource::Command { name, .. } => format!("/{name} {}", task.id),
    };
    Ok(Some(placeholder.fill(text)))
}

/// How the agent receives its prompt. Fails if it must be one argument and is too long for it.
pub(crate) fn delivery(
    agent: &crate::manifest::Agent,
    mode: &Mode,
    prompt: Option<&[u8]>,
) -> Result<PromptDelivery, PrepareError> {
    let Some(prompt) = prompt else { return Ok(PromptDelivery::None) };
    let wanted = agent.prompt(mode.form);
    if wanted != PromptDelivery::Arg || prompt.len() < MAX_ARGUMENT {
        return Ok(wanted);
    }
    match agents::of(agent.protocol).capabilities().reads_prompt_from_stdin_in_window {
        true => Ok(PromptDelivery::Stdin),
        false => Err(PrepareError::ArgumentTooLong { bytes: prompt.len() }),
    }
}
