//! Reads `terminal:`: `auto`, `none`, a terminal's name, or the user's own command with `{{ command }}`.

use crate::manifest::document::{At, Document, shown};
use crate::manifest::placeholder_command::{self, PlaceholderCommand};
use crate::manifest::tree::{Node, NodeKind};
use crate::model::nearest::did_you_mean;
use crate::model::problem::Problem;
use crate::model::terminal::{COMMAND, Terminal, TerminalName};

pub(crate) fn read(document: &Document, node: &Node, what: &str) -> Option<Terminal> {
    match &node.kind {
        NodeKind::Text(text) if is_name(text) => {
            let terminal = parse(text);
            if terminal.is_none() {
                document.add(At::Node(node.id), unknown(text));
            }
            terminal
        }
        NodeKind::Text(_) | NodeKind::List(_) => own(document, node),
        _ => {
            document.expected(node, what, &format!("a terminal's name, or a command with `{COMMAND}`"));
            None
        }
    }
}

/// The meaning of one word: `auto`, `none` or a terminal's name.
pub fn parse(text: &str) -> Option<Terminal> {
    match text {
        "auto" => Some(Terminal::Auto),
        "none" => Some(Terminal::None),
        name => TerminalName::parse(name).map(Terminal::Named),
    }
}

/// The problem of an unknown terminal name.
pub fn unknown(text: &str) -> Problem {
    let known: Vec<&str> = ["auto", "none"].into_iter().chain(TerminalName::ALL.map(TerminalName::as_str)).collect();
    let hint = did_you_mean(text, known.iter().copied()).unwrap_or_else(|| format!("there are: {}", known.join(", ")));
    Problem::error(format!("unknown terminal `{}`", shown(text))).hint(hint)
}

/// Whether a text is meant as a name, not as a command. Some names have two words.
fn is_name(text: &str) -> bool {
    parse(text).is_some() || !(text.contains("{{") || text.trim().contains(char::is_whitespace))
}

fn own(document: &Document, node: &Node) -> Option<Terminal> {
    let PlaceholderCommand { words, used } = placeholder_command::read(document, node, "terminal", &["command"])?;
    if used.is_empty() {
        let problem = Problem::error(format!("`terminal` does not say where `{COMMAND}` goes"));
        document.add(At::Node(node.id), problem.hint(format!("for example [foot, -e, \"{COMMAND}\"]")));
        return None;
    }
    Some(Terminal::Own(words))
}
