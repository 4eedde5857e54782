//! Reads the fields of one mapping by key.
//!
//! A reader returns `None` if the key is missing or, after adding a problem, if its value is wrong: the caller
//! continues with the rest.

use crate::manifest::document::{At, Document, shown};
use crate::manifest::document_values::quoted;
use crate::manifest::keys::{Section, Shape};
use crate::manifest::tree::{Node, NodeId, NodeKind};
use crate::manifest::{command_line, sections};
use crate::model::bytes::Bytes;
use crate::model::interval::Interval;
use crate::model::names::TaskId;
use crate::model::nearest::nearest;
use crate::model::problem::Problem;

/// A mapping whose keys were checked against its section.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SectionFields<'a> {
    pub(crate) document: &'a Document,
    pub(crate) section: &'static Section,
    /// The mapping itself.
    pub(crate) id: NodeId,
    pub(crate) entries: &'a [(Node, Node)],
}

impl<'a> SectionFields<'a> {
    /// The fields of a mapping, which messages call `what`, with only the keys of `section`. A null (`env:`) is an
    /// empty mapping.
    pub(crate) fn new(document: &'a Document, node: &'a Node, what: &str, section: &'static Section) -> Option<Self> {
        let entries = document.read_map(node, what)?;
        for (index, (key, _)) in entries.iter().enumerate() {
            if let Some(name) = key.as_text().filter(|name| !section.accepts(name)) {
                let belongs = sections::belongs(document, section, entries, index);
                document.add(At::Node(key.id), unknown_key(name, what, section, belongs));
            }
        }
        Some(Self { document, section, id: node.id, entries })
    }

    fn entry(&self, key: &str) -> Option<&'a (Node, Node)> {
        debug_assert!(self.section.has(key), "`{key}` is not declared in {}", self.section.name);
        self.entries.iter().find(|(name, _)| name.as_text() == Some(key))
    }

    /// The value of `key`, which may be null.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The value of `key`, unless it is null.
    pub(crate) fn given(&self, key: &str) -> Option<&'a Node> {
        self.get(key).filter(|value| !matches!(value.kind, NodeKind::Null))
    }

    /// The node of the key itself.
    pub(crate) fn key_id(&self, key: &str) -> Option<NodeId> {
        self.entry(key).map(|(name, _)| name.id)
    }

    /// Adds a problem of the whole mapping.
    pub(crate) fn add_problem(&self, problem: Problem) {
        self.document.add(At::Node(self.id), problem);
    }

    /// Adds a problem at the value of `key`, which exists.
    pub(crate) fn add_at_value(&self, key: &str, problem: Problem) {
        self.document.add(At::Node(self.get(key).map_or(self.id, |value| value.id)), problem);
    }

    /// The value of `key`, parsed by `read`.
    pub(crate) fn read<T>(&self, key: &str, read: impl FnOnce(&'a Document, &'a Node, &str) -> Option<T>) -> Option<T> {
        self.get(key).and_then(|node| read(self.document, node, key))
    }

    pub(crate) fn bool(&self, key: &str) -> Option<bool> {
        self.read(key, Document::read_bool)
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.read(key, Document::read_text)
    }

    /// Text that is not empty.
    pub(crate) fn filled_text(&self, key: &str) -> Option<String> {
        self.read(key, Document::read_filled_text)
    }

    pub(crate) fn texts(&self, key: &str) -> Option<Vec<String>> {
        self.read(key, Document::read_texts)
    }

    pub(crate) fn usd(&self, key: &str) -> Option<f64> {
        self.read(key, Document::read_usd)
    }

    pub(crate) fn interval(&self, key: &str) -> Option<Interval> {
        self.read(key, |document, node, what| document.read_value(node, what, Interval::FORM, Interval::parse))
    }

    pub(crate) fn bytes(&self, key: &str) -> Option<Bytes> {
        self.read(key, |document, node, what| document.read_value(node, what, Bytes::FORM, Bytes::parse))
    }

    /// A command's argv of at least one word.
    pub(crate) fn command(&self, key: &str) -> Option<Vec<String>> {
        self.read(key, command_line::read)
    }

    pub(crate) fn id(&self, key: &str) -> Option<TaskId> {
        self.read(key, Document::read_id)
    }

    pub(crate) fn ids(&self, key: &str) -> Vec<TaskId> {
        self.items(key).iter().filter_map(|item| self.document.read_id(item, key)).collect()
    }

    /// An integer in the range that the key declares.
    pub(crate) fn number(&self, key: &str) -> Option<u32> {
        let Some(Shape::Number(min, max)) = self.section.key(key).map(|key| &key.shape) else { return None };
        self.read(key, |document, node, what| document.read_number(node, what, *min..=*max))
    }

    pub(crate) fn choice<T>(&self, key: &str, choices: impl IntoIterator<Item = (&'static str, T)>) -> Option<T> {
        self.read(key, |document, node, what| document.read_choice(node, what, choices))
    }

    /// The items of a list; none if it is missing or wrong.
    pub(crate) fn items(&self, key: &str) -> &'a [Node] {
        self.read(key, Document::read_list).unwrap_or_default()
    }

    /// The fields of the section below `key`.
    pub(crate) fn fields_of(&self, key: &str) -> Option<Self> {
        let section = self.section.key(key).and_then(|key| key.shape.section())?;
        self.read(key, |document, node, what| Self::new(document, node, what, section))
    }
}

/// The problem of a key that its section does not have. `belongs`: hints to the sections that have it.
fn unknown_key(name: &str, what: &str, section: &Section, belongs: Vec<String>) -> Problem {
    let mut problem = Problem::error(format!("unknown key `{}` in {}", shown(name), quoted(what)));
    // If another section has the key, only its plural or singular here is more likely.
    let is_likely = |near: &&str| {
        belongs.is_empty() || near.strip_suffix('s') == Some(name) || name.strip_suffix('s') == Some(near)
    };
    let near = nearest(name, section.names()).filter(is_likely);
    problem.hints.extend(near.map(|near| format!("did you mean `{near}`?")));
    problem.hints.extend(belongs);
    if problem.hints.is_empty() {
        problem.hints.push(format!("known keys: {}", section.names().collect::<Vec<_>>().join(", ")));
    }
    problem
}
