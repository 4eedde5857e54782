//! Reads a command of the user whose words may contain placeholders: `terminal:` and `editor:`.

use crate::manifest::command_line;
use crate::manifest::document::{At, Document, shown};
use crate::manifest::tree::Node;
use crate::model::placeholders::{UnknownExpression, WordPart, split};
use crate::model::problem::Problem;

/// The words of a command.
#[derive(Debug)]
pub(crate) struct PlaceholderCommand {
    /// At least one; the first has no placeholder.
    pub words: Vec<String>,
    /// The placeholders that the words contain.
    pub used: Vec<&'static str>,
}

/// `what` is the key, which names the program that is started. Only placeholders of `known` are allowed.
pub(crate) fn read(document: &Document, node: &Node, what: &str, known: &[&'static str]) -> Option<PlaceholderCommand> {
    let words = command_line::read(document, node, what)?;
    let mut used = Vec::new();
    for (place, word) in words.iter().enumerate() {
        // In a list, the problem is shown at the word.
        let at = node.items().get(place).map_or(node.id, |item| item.id);
        let parts = match split(word, known) {
            Ok(parts) => parts,
            Err(UnknownExpression(text)) => {
                let problem = Problem::error(format!("there is no `{}` in `{what}`", shown(&text)));
                let names: Vec<String> = known.iter().map(|name| format!("`{{{{ {name} }}}}`")).collect();
                let be = if names.len() == 1 { "is" } else { "are" };
                document.add(At::Node(at), problem.hint(format!("only {} {be} known there", names.join(" and "))));
                return None;
            }
        };
        for part in parts {
            let WordPart::Placeholder(name) = part else { continue };
            if place == 0 {
                document.error(At::Node(at), format!("`{{{{ {name} }}}}` cannot be the {what}'s program"));
                return None;
            }
            used.push(name);
        }
    }
    Some(PlaceholderCommand { words, used })
}
