//! Reads `agents:`, which adds to or overrides the built-in agents.

use std::collections::BTreeMap;

use crate::agents;
use crate::manifest::agent::Agent;
use crate::manifest::document::{At, Document, shown};
use crate::manifest::document_values::named_entries;
use crate::manifest::fields::SectionFields;
use crate::manifest::tree::{Node, NodeId, NodeKind};
use crate::manifest::{command_line, keys, sections};
use crate::model::names::ModeName;
use crate::model::placeholders::{UnknownExpression, WordPart, split};
use crate::model::problem::Problem;
use crate::model::protocol::PromptDelivery;

/// The agents by name, including the built-in ones.
pub(crate) fn read(fields: &SectionFields<'_>) -> BTreeMap<String, Agent> {
    let built_in = agents::PROTOCOLS.iter().filter_map(|protocol| Agent::built_in(*protocol));
    let mut agents: BTreeMap<String, Agent> = built_in.map(|agent| (agent.name.clone(), agent)).collect();
    let document = fields.document;
    let Some(entries) = fields.read("agents", Document::read_map) else { return agents };
    for (name, id, block) in named_entries(entries) {
        if sections::is_misplaced(document, "agents", &keys::AGENT, entries, id) {
            continue;
        }
        if ModeName::parse(name).is_err() {
            let message = format!("`{}` is not an agent name: letters, digits, `_` and `-` only", shown(name));
            document.error(At::Node(id), message);
            continue;
        }
        let base = agents.remove(name).unwrap_or_else(|| Agent::new(name));
        agents.insert(name.to_owned(), read_agent(document, id, block, base));
    }
    agents
}

fn read_agent(document: &Document, id: NodeId, node: &Node, mut agent: Agent) -> Agent {
    let Some(fields) = SectionFields::new(document, node, &format!("agents.{}", agent.name), &keys::AGENT) else {
        return agent;
    };
    if fields.given("interactive").is_some() {
        agent.interactive = fields.command("interactive").or(Some(Vec::new()));
    }
    if fields.given("headless").is_some() {
        agent.headless = fields.command("headless").or(Some(Vec::new()));
    }
    let protocols = agents::PROTOCOLS.iter().map(|protocol| (agents::of(*protocol).name(), *protocol));
    agent.protocol = fields.choice("protocol", protocols).unwrap_or(agent.protocol);
    read_prompt(&fields, &mut agent);
    agent.model = fields.read("model", read_model).unwrap_or(agent.model);
    if agent.interactive.is_none() && agent.headless.is_none() {
        let problem = Problem::error(format!("agent `{}` has no command", agent.name));
        document.add(At::Node(id), problem.hint("give it `interactive:`, `headless:` or both"));
    }
    agent
}

/// Words that contain `{{ model }}` and no other expression.
fn read_model(document: &Document, node: &Node, what: &str) -> Option<Vec<String>> {
    let words = command_line::read(document, node, what)?;
    let mut is_named = false;
    for word in &words {
        match split(word, &["model"]) {
            Ok(parts) => is_named |= parts.contains(&WordPart::Placeholder("model")),
            Err(UnknownExpression(text)) => {
                let problem = Problem::error(format!("there is no `{}` in `{what}`", shown(&text)));
                document.add(At::Node(node.id), problem.hint("only `{{ model }}` is known there"));
                return None;
            }
        }
    }
    if !is_named {
        let problem = Problem::error("`model` does not say where the model's name goes");
        document.add(At::Node(node.id), problem.hint("write `model: [--model, \"{{ model }}\"]`"));
    }
    Some(words)
}

fn read_prompt(fields: &SectionFields<'_>, agent: &mut Agent) {
    let Some(node) = fields.get("prompt") else { return };
    if let NodeKind::Map(_) = node.kind {
        let Some(fields) = fields.fields_of("prompt") else { return };
        let delivery = |key: &str| {
            fields.read(key, |document, node, _| {
                document.read_choice(node, &format!("prompt.{key}"), PromptDelivery::WORDS)
            })
        };
        if let Some(way) = delivery("interactive") {
            agent.prompt_interactive = way;
            refuse_stdin(&fields, "interactive", way);
        }
        agent.prompt_headless = delivery("headless").unwrap_or(agent.prompt_headless);
    } else if let Some(way) = fields.choice("prompt", PromptDelivery::WORDS) {
        agent.prompt_headless = way;
        agent.prompt_interactive = way;
        if agent.interactive.is_some() {
            refuse_stdin(fields, "prompt", way);
        }
    }
}

/// Refuses a prompt on standard input in a window: there it is the terminal.
fn refuse_stdin(fields: &SectionFields<'_>, key: &str, way: PromptDelivery) {
    if way == PromptDelivery::Stdin {
        let message = "an interactive agent's standard input is its terminal; it cannot carry the prompt";
        fields.add_at_value(key, Problem::error(message).hint("write `prompt: { interactive: arg, headless: stdin }`"));
    }
}
