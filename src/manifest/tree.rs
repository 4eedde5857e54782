//! Parses YAML text to a [`Node`] tree that keeps what serde's values lose: order, duplicate keys, non-text keys and
//! tags. Each node has a number, for which [`locate`] finds the position.
//!
//! The parser gives positions only in errors. So nodes are numbered in reading order, and [`locate`] parses the text
//! again with a deliberate error at the wanted number. Valid text is parsed once.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use crate::manifest::syntax::{SyntaxError, refuse_early};

/// More nodes than any real manifest has, and far fewer than nested aliases can expand to.
const NODES_MAX: u32 = 100_000;
/// The number of a node, in reading order.
pub(crate) type NodeId = u32;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub id: NodeId,
    pub kind: NodeKind,
}

#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; empty for any other node.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.kind {
            NodeKind::List(items) => items,
            _ => &[],
        }
    }

    /// The value of a key; `None` if this is no mapping or lacks the key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let NodeKind::Map(entries) = &self.kind else { return None };
        entries.iter().find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value)
    }
}

/// A whole document: its root, and the nodes that carry a tag.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub root: Node,
    pub tagged: Vec<NodeId>,
}

struct TreeReader {
    next: Cell<NodeId>,
    stop_at: Option<NodeId>,
    tagged: RefCell<Vec<NodeId>>,
}

/// Reads one document.
pub(crate) fn parse(text: &str) -> Result<Parsed, SyntaxError> {
    refuse_early(text)?;
    let (root, mut tagged) = read(text, None).map_err(|error| SyntaxError::new(text, &error))?;
    if tagged.is_empty() {
        tagged = standard_tags(text);
    }
    Ok(Parsed { root, tagged })
}

/// The nodes with a standard tag (`!!str`, `!<…>`). The parser reports only local tags (`!d`), so the text is parsed
/// again with each standard tag replaced by a local one.
fn standard_tags(text: &str) -> Vec<NodeId> {
    if !text.contains("!!") && !text.contains("!<") {
        return Vec::new();
    }
    let mut spelt = text.replace("!!", "!d");
    while let Some(start) = spelt.find("!<") {
        let word = spelt[start..].find([' ', '\n']).map_or(spelt.len(), |length| start + length);
        let end = spelt[start..word].find('>').map_or(start + 2, |close| start + close + 1);
        spelt.replace_range(start..end, "!d");
    }
    read(&spelt, None).map(|(_, tagged)| tagged).unwrap_or_default()
}

/// The byte offset of node `id` in a text that was parsed by [`parse`].
pub(crate) fn locate(text: &str, id: NodeId) -> Option<usize> {
    let error = read(text, Some(id)).err()?;
    Some(error.location()?.index())
}

fn read(text: &str, stop_at: Option<NodeId>) -> Result<(Node, Vec<NodeId>), serde_yaml::Error> {
    let reading = TreeReader { next: Cell::new(0), stop_at, tagged: RefCell::default() };
    let root = (&reading).deserialize(serde_yaml::Deserializer::from_str(text))?;
    Ok((root, reading.tagged.into_inner()))
}

impl<'de> DeserializeSeed<'de> for &TreeReader {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        let id = self.next.get();
        if id >= NODES_MAX {
            return Err(de::Error::custom(format_args!("the file holds more than {NODES_MAX} values")));
        }
        self.next.set(id + 1);
        if self.stop_at == Some(id) {
            deserializer.deserialize_any(FailHere)?;
            return Err(de::Error::custom("stopped"));
        }
        let kind = deserializer.deserialize_any(NodeVisitor { reading: self, id })?;
        Ok(Node { id, kind })
    }
}

/// Fails at every value, so that the parser's error has the position of that value.
struct FailHere;

impl Visitor<'_> for FailHere {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing")
    }
}

struct NodeVisitor<'a> {
    reading: &'a TreeReader,
    id: NodeId,
}

impl<'de> Visitor<'de> for NodeVisitor<'_> {
    type Value = NodeKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<NodeKind, E> {
        Ok(NodeKind::Null)
    }

    fn visit_none<E>(self) -> Result<NodeKind, E> {
        Ok(NodeKind::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<NodeKind, E> {
        Ok(NodeKind::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<NodeKind, E> {
        Ok(NodeKind::Int(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<NodeKind, E> {
        Ok(NodeKind::Int(value.into()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<NodeKind, E> {
        Ok(i128::try_from(value).map_or(NodeKind::Float(f64::INFINITY), NodeKind::Int))
    }

    fn visit_i128<E>(self, value: i128) -> Result<NodeKind, E> {
        Ok(NodeKind::Int(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<NodeKind, E> {
        Ok(NodeKind::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<NodeKind, E> {
        Ok(NodeKind::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<NodeKind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self.reading)? {
            items.push(item);
        }
        Ok(NodeKind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<NodeKind, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key_seed(self.reading)? {
            entries.push((key, access.next_value_seed(self.reading)?));
        }
        Ok(NodeKind::Map(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<NodeKind, A::Error> {
        self.reading.tagged.borrow_mut().push(self.id);
        let (_tag, content) = access.variant::<String>()?;
        Ok(content.newtype_variant_seed(self.reading)?.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(text: &str) -> Vec<usize> {
        (0..).map_while(|id| locate(text, id)).collect()
    }

    #[test]
    fn every_node_is_found_in_bytes() {
        assert_eq!(offsets("é: 1\n日本: {x: [a, \"ü\"], y: ~}\n"), [0, 0, 4, 6, 14, 15, 18, 19, 22, 29, 32]);
    }

    #[test]
    fn an_alias_points_at_its_anchor() {
        let text = "a: &x 1\nb: *x\n";
        assert_eq!(locate(text, 4), Some(3));
    }

    #[test]
    fn standard_tags_are_seen_and_text_with_bangs_is_not() {
        assert_eq!(parse("a: !!str 5\n").unwrap().tagged, [2]);
        assert_eq!(parse("a: !x 5\n").unwrap().tagged, [2]);
        assert_eq!(parse("a: !<tag:yaml.org,2002:str> 5\n").unwrap().tagged, [2]);
        assert!(parse("a: wow!! great\nb: |\n  !!str\n").unwrap().tagged.is_empty());
    }

    #[test]
    fn duplicates_and_odd_keys_are_kept() {
        let NodeKind::Map(entries) = parse("a: 1\na: 2\n3: x\n").unwrap().root.kind else { panic!("a map") };
        assert_eq!(entries.len(), 3);
    }
}
