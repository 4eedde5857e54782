//! Expands YAML merge keys: `<<: *base` and `<<: [*first, *second]` add the keys that a mapping does not have itself;
//! of two merged mappings with one key, the earlier one counts.

use std::collections::HashSet;

use crate::manifest::document::{At, Document};
use crate::manifest::tree::{Node, NodeKind};
use crate::model::problem::Problem;

/// The node with all merge keys below it expanded. Adds a problem for a merge key that merges no mapping.
pub(crate) fn expand(document: &Document, node: Node) -> Node {
    let kind = match node.kind {
        NodeKind::List(items) => NodeKind::List(items.into_iter().map(|item| expand(document, item)).collect()),
        NodeKind::Map(entries) => NodeKind::Map(expand_entries(document, entries)),
        kind => kind,
    };
    Node { kind, ..node }
}

fn expand_entries(document: &Document, entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    let mut own = Vec::with_capacity(entries.len());
    let mut merged = None;
    for (key, value) in entries {
        let value = expand(document, value);
        if key.as_text() != Some("<<") {
            own.push((key, value));
        } else if merged.is_some() {
            let problem =
                Problem::error("duplicate key `<<`").hint("merge several mappings by `<<: [*first, *second]`");
            document.add(At::Node(key.id), problem);
        } else {
            merged = Some(value);
        }
    }
    let sources = match merged {
        Some(Node { kind: NodeKind::List(items), .. }) => items,
        one => one.into_iter().collect(),
    };
    for source in sources {
        let NodeKind::Map(entries) = source.kind else {
            let problem = Problem::error(format!("`<<` merges a mapping, found {}", source.described()));
            document.add(At::Node(source.id), problem.hint("write `<<: *NAME`, where `&NAME` marks a mapping"));
            continue;
        };
        let known: HashSet<String> = own.iter().filter_map(|(key, _)| key.as_text().map(str::to_owned)).collect();
        own.extend(entries.into_iter().filter(|(key, _)| key.as_text().is_none_or(|name| !known.contains(name))));
    }
    own
}
