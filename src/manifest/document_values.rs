//! Typed access to the nodes of a [`Document`].
//!
//! Every reader returns `None` after noting a problem, so the caller goes on with the rest.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;

use crate::manifest::document::{At, Document, Fields, shown};
use crate::manifest::flow;
use crate::manifest::keys::{self, unknown_key};
use crate::manifest::sections::{self, is_known_key};
use crate::manifest::tree::{Kind, Node, NodeId};
use crate::model::problem::Problem;

impl Node {
    /// The value in the words of a message.
    fn found(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(value) => format!("`{value}`"),
            Kind::Int(value) => format!("`{value}`"),
            Kind::Float(value) => format!("the number `{value}`"),
            // In quotes where YAML would read the bare word as something else.
            Kind::Text(text) if !flow::stays_text(text) => format!("the text `\"{}\"`", shown(text)),
            Kind::Text(text) => format!("`{}`", shown(text)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// Where a number or a truth value is wanted, and its text is one: it stands in quotes.
fn quotes_hint(node: &Node, what: &str) -> Option<String> {
    let text = node.text()?;
    let name = what.rsplit('.').next().unwrap_or(what);
    (!flow::stays_text(text)).then(|| format!("remove the quotes: `{name}: {text}`"))
}

/// Where a mapping is wanted and `key value` was found.
fn colon_hint(text: &str) -> Option<String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, "…"));
    let word = word.trim_end_matches(':');
    is_known_key(word).then(|| format!("a `:` is missing: write `{word}: {rest}`"))
}

/// A single value as the list that was wanted.
fn list_hint(node: &Node, what: &str) -> String {
    let name = what.rsplit('.').next().unwrap_or(what);
    let items = match (&node.kind, name) {
        (Kind::Text(text), "tasks") => format!("[{{ files: {} }}]", flow::text(text)),
        (Kind::Text(_), "runs") => "[{ mode: MODE, tasks: [TASK] }]".to_owned(),
        (Kind::Text(text), "list") => format!("[{{ id: {} }}]", flow::text(text)),
        (Kind::Text(text), _) => flow::list(split(text, name).iter().map(|item| flow::text(item))),
        _ => format!("[{}]", flow::node(node)),
    };
    // A whole file that is a list has no key.
    if what.starts_with("the ") { format!("write `{items}`") } else { format!("write `{name}: {items}`") }
}

/// The items that one text was meant to be.
fn split(text: &str, name: &str) -> Vec<String> {
    let words = || shell_words::split(text).unwrap_or_default();
    let one = || vec![text.to_owned()];
    let found = match name {
        // An expression holds blanks and is one item.
        _ if text.contains("{{") || text.contains("{%") => one(),
        _ if text.contains(',') => text.split(',').map(|item| item.trim().to_owned()).collect(),
        "flags" | "needs" | "on" | "pass_env" | "tags" | "depends_on" => words(),
        _ => one(),
    };
    if found.is_empty() { one() } else { found }
}

impl Document {
    /// Notes that `node`, named `what`, should have been `expected`.
    pub(crate) fn expected(&self, node: &Node, what: &str, expected: &str) {
        self.expected_hint(node, what, expected, None);
    }

    pub(crate) fn expected_hint(&self, node: &Node, what: &str, expected: &str, hint: Option<String>) {
        let message = format!("{} must be {expected}, found {}", keys::quoted_place(what), node.found());
        let mut problem = Problem::error(message);
        problem.hints.extend(hint);
        self.add(At::Node(node.id), problem);
    }

    /// A mapping with only `known` keys. Nothing (`env:`) is an empty one.
    pub(crate) fn fields<'a>(&self, node: &'a Node, what: &str, known: &[&str]) -> Option<Fields<'a>> {
        let fields = self.map(node, what)?;
        for (index, (key, _)) in fields.entries.iter().enumerate() {
            if let Some(name) = key.text().filter(|name| !known.contains(name) && *name != "<<") {
                let belongs = sections::belongs(self, known, fields.entries, index);
                self.add(At::Node(key.id), unknown_key(name, what, known, belongs));
            }
        }
        Some(fields)
    }

    /// A mapping with any text keys, each once.
    pub(crate) fn map<'a>(&self, node: &'a Node, what: &str) -> Option<Fields<'a>> {
        let entries: &[(Node, Node)] = match &node.kind {
            Kind::Map(entries) => entries,
            Kind::Null => &[],
            _ => {
                self.expected_hint(node, what, "a mapping", node.text().and_then(colon_hint));
                return None;
            }
        };
        let mut seen = HashSet::new();
        for (key, _) in entries {
            match key.text() {
                None => self.error(At::Node(key.id), format!("a key must be text, found {}", key.found())),
                Some("<<") => self.add(
                    At::Node(key.id),
                    Problem::error("merge keys (`<<`) are not supported").hint("write the fields out"),
                ),
                Some(name) if !seen.insert(name) => {
                    self.error(At::Node(key.id), format!("duplicate key `{}`", shown(name)));
                }
                Some(_) => {}
            }
        }
        Some(Fields { id: node.id, entries })
    }

    /// A mapping that has been read before, so that its problems are known.
    pub(crate) fn map_quietly<'a>(&self, node: &'a Node) -> Option<Fields<'a>> {
        match &node.kind {
            Kind::Map(entries) => Some(Fields { id: node.id, entries }),
            _ => None,
        }
    }

    /// The usable entries of a mapping with free keys: the first of each name.
    pub(crate) fn entries<'a>(&self, fields: Fields<'a>) -> impl Iterator<Item = (&'a str, NodeId, &'a Node)> {
        let mut seen = HashSet::new();
        fields.entries.iter().filter_map(move |(key, value)| {
            let name = key.text()?;
            (name != "<<" && seen.insert(name)).then_some((name, key.id, value))
        })
    }

    /// A list; nothing is an empty one.
    pub(crate) fn list<'a>(&self, node: &'a Node, what: &str) -> Option<&'a [Node]> {
        match &node.kind {
            Kind::List(items) => Some(items),
            Kind::Null => Some(&[]),
            _ => {
                self.expected_hint(node, what, "a list", Some(list_hint(node, what)));
                None
            }
        }
    }

    /// Text, without NUL characters: nothing it is used for can hold one.
    pub(crate) fn text(&self, node: &Node, what: &str) -> Option<String> {
        let Kind::Text(text) = &node.kind else {
            let quote = match &node.kind {
                Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) => Some("put it in quotes to make it text".to_owned()),
                Kind::Map(_) => Some("text that starts with `{` needs quotes".to_owned()),
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
    pub(crate) fn filled_text(&self, node: &Node, what: &str) -> Option<String> {
        let text = self.text(node, what)?;
        if text.trim().is_empty() {
            self.error(At::Node(node.id), format!("`{what}` cannot be empty"));
            return None;
        }
        Some(text)
    }

    pub(crate) fn texts(&self, node: &Node, what: &str) -> Option<Vec<String>> {
        // No early end: each wrong item is worth a message.
        let items: Vec<_> = self.list(node, what)?.iter().map(|item| self.text(item, what)).collect();
        items.into_iter().collect()
    }

    pub(crate) fn bool(&self, node: &Node, what: &str) -> Option<bool> {
        match &node.kind {
            Kind::Bool(value) => Some(*value),
            Kind::Text(text) if ["yes", "on", "y"].contains(&text.to_ascii_lowercase().as_str()) => {
                self.expected_hint(node, what, "`true` or `false`", Some("write `true`".to_owned()));
                None
            }
            Kind::Text(text) if ["no", "off", "n"].contains(&text.to_ascii_lowercase().as_str()) => {
                self.expected_hint(node, what, "`true` or `false`", Some("write `false`".to_owned()));
                None
            }
            _ => {
                self.expected_hint(node, what, "`true` or `false`", quotes_hint(node, what));
                None
            }
        }
    }

    pub(crate) fn number(&self, node: &Node, what: &str, allowed: std::ops::RangeInclusive<u32>) -> Option<u32> {
        if let Kind::Int(value) = node.kind
            && let Some(value) = u32::try_from(value).ok().filter(|value| allowed.contains(value))
        {
            return Some(value);
        }
        let range = format!("a whole number from {} to {}", allowed.start(), allowed.end());
        self.expected_hint(node, what, &range, quotes_hint(node, what));
        None
    }

    /// An amount of money, more than nothing.
    pub(crate) fn usd(&self, node: &Node, what: &str) -> Option<f64> {
        let amount = match node.kind {
            Kind::Float(value) => Some(value),
            Kind::Int(value) => u32::try_from(value).ok().map(f64::from),
            _ => None,
        };
        let amount = amount.filter(|value| value.is_finite() && *value > 0.0);
        if amount.is_none() {
            self.expected_hint(node, what, "an amount of USD above 0, such as `2.50`", quotes_hint(node, what));
        }
        amount
    }

    /// A value with its own reader in `model`, such as an interval or an amount of bytes.
    pub(crate) fn value<T: for<'de> Deserialize<'de>>(&self, node: &Node, what: &str, expected: &str) -> Option<T> {
        let read = match &node.kind {
            Kind::Text(text) => T::deserialize(IntoDeserializer::<ValueError>::into_deserializer(text.as_str())).ok(),
            Kind::Int(value) => u64::try_from(*value)
                .ok()
                .and_then(|value| T::deserialize(IntoDeserializer::<ValueError>::into_deserializer(value)).ok()),
            _ => None,
        };
        if read.is_none() {
            self.expected(node, what, expected);
        }
        read
    }
}
