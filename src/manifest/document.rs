//! One parsed file while it is read: typed access to nodes, and the problems found on the way.
//!
//! Every reader returns `None` after noting a problem, so the caller goes on with the rest.

use std::cell::RefCell;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;

use crate::manifest::keys::unknown_key;
use crate::manifest::source::Source;
use crate::manifest::text_place::{self, Span};
use crate::manifest::tree::{self, Kind, Node, NodeId, Parsed};
use crate::model::problem::Problem;

/// Positions cost a second reading each; a file with more mistakes than this is told so.
const PROBLEMS_MAX: usize = 50;

#[derive(Debug)]
pub(crate) struct Document {
    pub source: Source,
    problems: RefCell<Vec<Found>>,
}

#[derive(Debug)]
struct Found {
    at: At,
    problem: Problem,
}

/// What a problem points at.
#[derive(Clone, Debug)]
pub(crate) enum At {
    Node(NodeId),
    /// A byte range within a text node's value.
    Within(NodeId, std::ops::Range<usize>),
    /// A byte range of the file.
    Bytes(usize, usize),
}

/// A mapping whose keys have been checked against those that are known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    pub id: NodeId,
    entries: &'a [(Node, Node)],
}

impl<'a> Fields<'a> {
    /// The value of `key`, which may be an explicit nothing.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// The node of the key itself.
    pub(crate) fn key_id(&self, key: &str) -> Option<NodeId> {
        self.entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(name, _)| name.id)
    }
}

impl Node {
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value in the words of a message.
    fn found(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(value) => format!("`{value}`"),
            Kind::Int(value) => format!("`{value}`"),
            Kind::Float(value) => format!("the number `{value}`"),
            Kind::Text(text) => format!("`{}`", shown(text)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// A user's text in a message: one line, no control characters, not endless.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short.replace("\\\"", "\"").replace("\\'", "'")
}

impl Document {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, problems: RefCell::default() }
    }

    /// The root of the file; `None` after a syntax error. An empty file is an empty mapping.
    pub(crate) fn parse(&self) -> Option<Node> {
        match tree::parse(&self.source.text) {
            Ok(Parsed { root, tagged }) => {
                for id in tagged {
                    self.error(At::Node(id), "YAML tags (`!…`) are not supported");
                }
                if matches!(root.kind, Kind::Null) {
                    return Some(Node { id: root.id, kind: Kind::Map(Vec::new()) });
                }
                Some(root)
            }
            Err(error) => {
                let start = error.offset.unwrap_or(0);
                let mut problem = Problem::error(error.message);
                problem.hints.extend(error.hint.map(str::to_owned));
                self.add(At::Bytes(start, text_place::next_char(&self.source.text, start)), problem);
                None
            }
        }
    }

    pub(crate) fn add(&self, at: At, problem: Problem) {
        self.problems.borrow_mut().push(Found { at, problem });
    }

    pub(crate) fn error(&self, at: At, message: impl Into<String>) {
        self.add(at, Problem::error(message));
    }

    /// All problems with their places, in the order of the text.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        let mut found = self.problems.into_inner();
        let left_out = found.len().saturating_sub(PROBLEMS_MAX);
        found.truncate(PROBLEMS_MAX);
        let mut placed: Vec<(usize, Problem)> = found
            .into_iter()
            .map(|Found { at, problem }| {
                let span = place(&self.source.text, &at);
                (span.start, problem.at(self.source.path.clone(), &self.source.text, span.start, span.end))
            })
            .collect();
        placed.sort_by_key(|(start, _)| *start);
        let mut problems: Vec<Problem> = placed.into_iter().map(|(_, problem)| problem).collect();
        if left_out > 0 {
            problems.push(
                Problem::error(format!("{left_out} more problems are not shown")).in_file(self.source.path.clone()),
            );
        }
        problems
    }

    /// The line of key `name` below the line `section` (`modes:`), from 1; `None` where that takes
    /// more than a glance at the text. Keys of one block mapping share their indentation,
    /// and everything within their values stands deeper.
    pub(crate) fn key_line(&self, section: &str, name: &str) -> Option<usize> {
        let mut lines = self.source.text.lines().enumerate().skip_while(|(_, line)| line.trim_end() != section);
        lines.next()?;
        let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let mut indent = None;
        for (number, line) in lines.filter(|(_, line)| !blank(line)) {
            let own = line.len() - line.trim_start_matches(' ').len();
            let indent = *indent.get_or_insert(own);
            if own == 0 {
                return None;
            }
            let key = line.trim_start().split(':').next().unwrap_or("").trim_matches(['"', '\'']);
            if own == indent && key == name {
                return Some(number + 1);
            }
        }
        None
    }

    /// The line of a node, from 1. Costs a reading of the file.
    pub(crate) fn line(&self, id: NodeId) -> usize {
        let start = place(&self.source.text, &At::Node(id)).start;
        self.source.text[..start].bytes().filter(|b| *b == b'\n').count() + 1
    }

    /// Notes that `node`, named `what`, should have been `expected`.
    pub(crate) fn expected(&self, node: &Node, what: &str, expected: &str) {
        self.expected_hint(node, what, expected, None);
    }

    pub(crate) fn expected_hint(&self, node: &Node, what: &str, expected: &str, hint: Option<String>) {
        let mut problem = Problem::error(format!("`{what}` must be {expected}, found {}", node.found()));
        problem.hints.extend(hint);
        self.add(At::Node(node.id), problem);
    }

    /// A mapping with only `known` keys. Nothing (`env:`) is an empty one.
    pub(crate) fn fields<'a>(&self, node: &'a Node, what: &str, known: &[&str]) -> Option<Fields<'a>> {
        let fields = self.map(node, what)?;
        for (key, _) in fields.entries {
            if let Some(name) = key.text().filter(|name| !known.contains(name)) {
                self.add(At::Node(key.id), unknown_key(name, what, known));
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
                self.expected(node, what, "a mapping");
                return None;
            }
        };
        let mut seen = std::collections::HashSet::new();
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
        let mut seen = std::collections::HashSet::new();
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
                self.expected(node, what, "a list");
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
                self.expected(node, what, "`true` or `false`");
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
        self.expected(node, what, &range);
        None
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

fn place(text: &Arc<str>, at: &At) -> Span {
    let node_start = |id| tree::locate(text, id).unwrap_or(0);
    match at {
        At::Node(id) => text_place::token(text, node_start(*id)),
        At::Within(id, range) => text_place::within(text, node_start(*id), range),
        At::Bytes(start, end) => Span { start: *start, end: *end },
    }
}
