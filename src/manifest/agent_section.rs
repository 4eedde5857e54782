//! Reads `agents:` over the built-in ones.

use std::collections::BTreeMap;

use crate::manifest::agent::Agent;
use crate::manifest::command_line;
use crate::manifest::document::{At, Document, shown};
use crate::manifest::keys;
use crate::manifest::sections::{self, Section};
use crate::manifest::tree::{Kind, Node, NodeId};
use crate::model::nearest::nearest;
use crate::model::problem::Problem;
use crate::model::protocol::{Delivery, Protocol};

const DELIVERIES: [(&str, Delivery); 4] =
    [("arg", Delivery::Arg), ("stdin", Delivery::Stdin), ("file", Delivery::File), ("none", Delivery::None)];

/// The agents by name, the built-in one among them.
pub(crate) fn read(document: &Document, node: Option<&Node>) -> BTreeMap<String, Agent> {
    let mut agents = BTreeMap::from([("claude".to_owned(), Agent::claude())]);
    let Some(fields) = node.and_then(|node| document.map(node, "agents")) else { return agents };
    for (name, id, block) in document.entries(fields) {
        if sections::is_misplaced(document, Section::Agents, fields.entries, id) {
            continue;
        }
        if crate::model::names::ModeName::parse(name).is_err() {
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
    let what = format!("agents.{}", agent.name);
    let Some(fields) = document.fields(node, &what, keys::AGENT) else { return agent };
    let given = |key: &str| fields.get(key).filter(|value| !matches!(value.kind, Kind::Null));
    if let Some(value) = given("interactive") {
        agent.interactive = command_line::read(document, value, "interactive").or(Some(Vec::new()));
    }
    if let Some(value) = given("headless") {
        agent.headless = command_line::read(document, value, "headless").or(Some(Vec::new()));
    }
    if let Some(value) = fields.get("protocol") {
        match value.text() {
            Some("claude") => agent.protocol = Protocol::Claude,
            Some("text") => agent.protocol = Protocol::Text,
            _ => document.expected(value, "protocol", "`claude` or `text`"),
        }
    }
    if let Some(value) = fields.get("prompt") {
        read_prompt(document, value, &mut agent);
    }
    if agent.interactive.is_none() && agent.headless.is_none() {
        document.add(
            At::Node(id),
            Problem::error(format!("agent `{}` has no command", agent.name))
                .hint("give it `interactive:`, `headless:` or both"),
        );
    }
    agent
}

fn read_prompt(document: &Document, node: &Node, agent: &mut Agent) {
    if let Kind::Map(_) = node.kind {
        let Some(fields) = document.fields(node, "prompt", keys::AGENT_PROMPT) else { return };
        if let Some(value) = fields.get("interactive")
            && let Some(way) = delivery(document, value, "prompt.interactive")
        {
            agent.prompt_interactive = way;
            refuse_stdin(document, value, way);
        }
        if let Some(way) = fields.get("headless").and_then(|value| delivery(document, value, "prompt.headless")) {
            agent.prompt_headless = way;
        }
    } else if let Some(way) = delivery(document, node, "prompt") {
        agent.prompt_headless = way;
        agent.prompt_interactive = way;
        if agent.interactive.is_some() {
            refuse_stdin(document, node, way);
        }
    }
}

/// In a window the terminal is standard input.
fn refuse_stdin(document: &Document, node: &Node, way: Delivery) {
    if way == Delivery::Stdin {
        document.add(
            At::Node(node.id),
            Problem::error("an interactive agent's standard input is its terminal; it cannot carry the prompt")
                .hint("write `prompt: { interactive: arg, headless: stdin }`"),
        );
    }
}

fn delivery(document: &Document, node: &Node, what: &str) -> Option<Delivery> {
    let found = node.text().and_then(|text| DELIVERIES.iter().find(|(name, _)| *name == text));
    if found.is_none() {
        let near = node.text().and_then(|text| nearest(text, DELIVERIES.iter().map(|(name, _)| *name)));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        document.expected_hint(node, what, "`arg`, `stdin`, `file` or `none`", hint);
    }
    found.map(|(_, way)| *way)
}
