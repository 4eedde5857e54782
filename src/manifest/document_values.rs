//! Typed access to the nodes of a [`Document`].
//!
//! Every reader returns `None` after adding a problem, so that the caller continues with the rest.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::manifest::document::{At, Document, shown};
use crate::manifest::flow;
use crate::manifest::sections::is_known_key;
use crate::manifest::tree::{Node, NodeId, NodeKind};
use crate::model::names::TaskId;
use crate::model::nearest::did_you_mean;
use crate::model::problem::Problem;

impl Node {
    /// The value as messages describe it.
    pub(crate) fn described(&self) -> String {
        match &self.kind {
            NodeKind::Null => "nothing".to_owned(),
            NodeKind::Bool(value) => format!("`{value}`"),
            NodeKind::Int(value) => format!("`{value}`"),
            NodeKind::Float(value) => format!("the number `{value}`"),
            // In quotes if YAML would read the bare word as another type.
            NodeKind::Text(text) if !flow::stays_text(text) => format!("the text `\"{}\"`", shown(text)),
            NodeKind::Text(text) => format!("`{}`", shown(text)),
            NodeKind::List(_) => "a list".to_owned(),
            NodeKind::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// The hint to remove quotes, if a number or boolean was expected and the text contains one.
fn quotes_hint(node: &Node, what: &str) -> Option<String> {
    let text = node.as_text()?;
    let name = what.rsplit('.').next().unwrap_or(what);
    (!flow::stays_text(text)).then(|| format!("remove the quotes: `{name}: {text}`"))
}

/// The hint to write a colon, if a mapping was expected and the text is `key value`.
fn colon_hint(text: &str) -> Option<String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, "…"));
    let word = word.trim_end_matches(':');
    is_known_key(word).then(|| format!("a `:` is missing: write `{word}: {rest}`"))
}

/// The hint that writes a single value as a list.
fn list_hint(node: &Node, what: &str) -> String {
    let name = what.rsplit('.').next().unwrap_or(what);
    let items = match (&node.kind, name) {
        (NodeKind::Text(text), "tasks") => format!("[{{ files: {} }}]", flow::text(text)),
        (NodeKind::Text(_), "runs") => "[{ mode: MODE, tasks: [TASK] }]".to_owned(),
        (NodeKind::Text(text), "list") => format!("[{{ id: {} }}]", flow::text(text)),
        (NodeKind::Text(text), _) => flow::list(split(text, name).iter().map(|item| flow::text(item))),
        _ => format!("[{}]", flow::node(node)),
    };
    // A list as the whole file has no key.
    if what.starts_with("the ") { format!("write `{items}`") } else { format!("write `{name}: {items}`") }
}

/// The items that a single text probably means.
fn split(text: &str, name: &str) -> Vec<String> {
    let words = || shell_words::split(text).unwrap_or_default();
    let one = || vec![text.to_owned()];
    let found = match name {
        // A text with an expression, which contains blanks, is one item.
        _ if text.contains("{{") || text.contains("{%") => one(),
        _ if text.contains(',') => text.split(',').map(|item| item.trim().to_owned()).collect(),
        "flags" | "needs" | "on" | "pass_env" | "tags" | "depends_on" => words(),
        _ => one(),
    };
    if found.is_empty() { one() } else { found }
}

/// A part of the file for a message: a name in backticks, a description unchanged.
pub(crate) fn quoted(what: &str) -> String {
    if what.starts_with("the ") { what.to_owned() } else { format!("`{what}`") }
}

/// "`a`, `b` or `c`".
fn either(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

impl Document {
    /// Adds the problem that `node`, named `what`, should have been `expected`.
    pub(crate) fn expected(&self, node: &Node, what: &str, expected: &str) {
        self.expected_hint(node, what, expected, None);
    }

    pub(crate) fn expected_hint(&self, node: &Node, what: &str, expected: &str, hint: Option<String>) {
        let message = format!("{} must be {expected}, found {}", quoted(what), node.described());
        let mut problem = Problem::error(message);
        problem.hints.extend(hint);
        self.add(At::Node(node.id), problem);
    }

    /// The entries of a mapping with any text keys, without duplicates.
    pub(crate) fn read_map<'a>(&self, node: &'a Node, what: &str) -> Option<&'a [(Node, Node)]> {
        let entries: &[(Node, Node)] = match &node.kind {
            NodeKind::Map(entries) => entries,
            NodeKind::Null => &[],
            _ => {
                self.expected_hint(node, what, "a mapping", node.as_text().and_then(colon_hint));
                return None;
            }
        };
        let mut seen = HashSet::new();
        for (key, _) in entries {
            match key.as_text() {
                None => self.error(At::Node(key.id), format!("a key must be text, found {}", key.described())),
                Some(name) if !seen.insert(name) => {
                    self.error(At::Node(key.id), format!("duplicate key `{}`", shown(name)));
                }
                Some(_) => {}
            }
        }
        Some(entries)
    }

    /// A list; null is an empty one.
    pub(crate) fn read_list<'a>(&self, node: &'a Node, what: &str) -> Option<&'a [Node]> {
        match &node.kind {
            NodeKind::List(items) => Some(items),
            NodeKind::Null => Some(&[]),
            _ => {
                self.expected_hint(node, what, "a list", Some(list_hint(node, what)));
                None
            }
        }
    }

    /// Text without NUL characters, which neither arguments nor paths can contain.
    pub(crate) fn read_text(&self, node: &Node, what: &str) -> Option<String> {
        let NodeKind::Text(text) = &node.kind else {
            let quote = match &node.kind {
                NodeKind::Bool(_) | NodeKind::Int(_) | NodeKind::Float(_) => {
                    Some("put it in quotes to make it text".to_owned())
                }
                NodeKind::Map(_) => Some("text that starts with `{` needs quotes".to_owned()),
                _ => None,
            };
            self.expected_hint(node, what, "text", quote);
            return None;
        };
        if text.contains('\0') {
            self.error(At::Node(node.id), format!("`{what}` holds a NUL character"));
            return None;
        }
        Some(text.clone())
    }

    /// Text that is not empty.
    pub(crate) fn read_filled_text(&self, node: &Node, what: &str) -> Option<String> {
        let text = self.read_text(node, what)?;
        if text.trim().is_empty() {
            self.error(At::Node(node.id), format!("`{what}` cannot be empty"));
            return None;
        }
        Some(text)
    }

    pub(crate) fn read_texts(&self, node: &Node, what: &str) -> Option<Vec<String>> {
        // No early return: each wrong item gets a message.
        let items: Vec<_> = self.read_list(node, what)?.iter().map(|item| self.read_text(item, what)).collect();
        items.into_iter().collect()
    }

    pub(crate) fn read_bool(&self, node: &Node, what: &str) -> Option<bool> {
        if let NodeKind::Bool(value) = node.kind {
            return Some(value);
        }
        let hint = match node.as_text().map(str::to_ascii_lowercase).as_deref() {
            Some("yes" | "on" | "y") => Some("write `true`".to_owned()),
            Some("no" | "off" | "n") => Some("write `false`".to_owned()),
            _ => quotes_hint(node, what),
        };
        self.expected_hint(node, what, "`true` or `false`", hint);
        None
    }

    pub(crate) fn read_number(&self, node: &Node, what: &str, allowed: RangeInclusive<u32>) -> Option<u32> {
        if let NodeKind::Int(value) = node.kind
            && let Some(value) = u32::try_from(value).ok().filter(|value| allowed.contains(value))
        {
            return Some(value);
        }
        let range = format!("a whole number from {} to {}", allowed.start(), allowed.end());
        self.expected_hint(node, what, &range, quotes_hint(node, what));
        None
    }

    /// An amount of money above 0.
    pub(crate) fn read_usd(&self, node: &Node, what: &str) -> Option<f64> {
        let amount = match node.kind {
            NodeKind::Float(value) => Some(value),
            NodeKind::Int(value) => u32::try_from(value).ok().map(f64::from),
            _ => None,
        };
        let amount = amount.filter(|value| value.is_finite() && *value > 0.0);
        if amount.is_none() {
            self.expected_hint(node, what, "an amount of USD above 0, such as `2.50`", quotes_hint(node, what));
        }
        amount
    }

    /// A value that `model` parses from text, such as a duration; `form` describes the syntax.
    pub(crate) fn read_value<T>(
        &self,
        node: &Node,
        what: &str,
        form: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = match &node.kind {
            NodeKind::Text(text) => parse(text),
            NodeKind::Int(value) => parse(&value.to_string()),
            _ => None,
        };
        if value.is_none() {
            self.expected(node, what, form);
        }
        value
    }

    /// One of the words in `choices`.
    pub(crate) fn read_choice<T>(
        &self,
        node: &Node,
        what: &str,
        choices: impl IntoIterator<Item = (&'static str, T)>,
    ) -> Option<T> {
        let mut words = Vec::new();
        for (word, value) in choices {
            if node.as_text() == Some(word) {
                return Some(value);
            }
            words.push(word);
        }
        let hint = node.as_text().and_then(|text| did_you_mean(text, words.iter().copied()));
        self.expected_hint(node, what, &either(&words), hint);
        None
    }

    pub(crate) fn read_id(&self, node: &Node, what: &str) -> Option<TaskId> {
        let text = self.read_text(node, what)?;
        TaskId::parse(&text)
            .map_err(|error| self.error(At::Node(node.id), format!("`{what}` is not a task id: {error}")))
            .ok()
    }
}

/// The entries of a mapping with free keys: the first of each name, with the node of its key.
pub(crate) fn named_entries(entries: &[(Node, Node)]) -> impl Iterator<Item = (&str, NodeId, &Node)> {
    let mut seen = HashSet::new();
    entries.iter().filter_map(move |(key, value)| {
        let name = key.as_text()?;
        seen.insert(name).then_some((name, key.id, value))
    })
}
