//! Hints for a key in the wrong section: where it belongs, with the text to write. `keys.rs` declares the keys of each
//! section.

use crate::manifest::document::{At, Document};
use crate::manifest::flow;
use crate::manifest::keys::{self, HOMES, KeyDeclaration, Section, Shape};
use crate::manifest::tree::{Node, NodeId, NodeKind};
use crate::model::problem::Problem;

/// Most hints for one key; with more, none is given.
const HOMES_MAX: usize = 3;

/// The meaning of a mapping's keys.
#[derive(Clone, Copy)]
enum Level {
    Keys(&'static Section),
    /// Names chosen by the user below this key; each value is a section.
    Names(&'static str, &'static Section),
}

impl Level {
    fn has(self, name: &str) -> bool {
        matches!(self, Self::Keys(section) if section.has(name))
    }

    /// The level of the mapping, or of each mapping in the list, below the key `name`.
    fn below(self, name: &str) -> Option<Self> {
        match self {
            Self::Names(_, section) => Some(Self::Keys(section)),
            Self::Keys(section) => below_key(section.key(name)?),
        }
    }
}

fn below_key(key: &KeyDeclaration) -> Option<Level> {
    fn of(name: &'static str, shape: &Shape) -> Option<Level> {
        match shape {
            Shape::Section(section) => Some(Level::Keys(section)),
            Shape::Map(Shape::Section(section)) => Some(Level::Names(name, section)),
            Shape::List(item) => of(name, item),
            Shape::Either(one, other) => of(name, one).or_else(|| of(name, other)),
            _ => None,
        }
    }
    of(key.name, &key.shape)
}

/// An entry of a section as it is written in the file.
fn written(section: &Section, entry: &str) -> String {
    section.written.replace('…', entry)
}

/// Whether this word is a key of any section.
pub(crate) fn is_known_key(word: &str) -> bool {
    HOMES.iter().any(|section| section.has(word))
}

/// Hints where the key of `entries[index]` belongs, which `section` does not have; empty if no section has it.
pub(crate) fn belongs(
    document: &Document,
    section: &'static Section,
    entries: &[(Node, Node)],
    index: usize,
) -> Vec<String> {
    let Some((key, value)) = entries.get(index).filter(|_| !section.written.is_empty()) else { return Vec::new() };
    let Some(name) = key.as_text() else { return Vec::new() };
    if let Some(hint) = indentation(document, Level::Keys(section), entries, index) {
        return vec![hint];
    }
    let is_shared =
        *section == keys::LOCAL && keys::MANIFEST.has(name) || *section == keys::LOCAL_MODE && keys::MODE.has(name);
    if is_shared {
        return vec![format!("`{name}` is set in the shared manifest: write it in `dispatch.yaml`")];
    }
    let entry = flow::entry(name, value);
    let homes = HOMES.into_iter().filter(|home| *home != section && home.has(name));
    let hints: Vec<String> =
        homes.map(|home| format!("`{name}` belongs {}: `{}`", home.place, written(home, &entry))).collect();
    if hints.len() > HOMES_MAX { Vec::new() } else { hints }
}

/// Adds the problem that the entry of the mapping `names` (`modes`) is not a `section` (a mode) but a key of one, one
/// level too far out. `id` is the node of its key. `false` if the entry can be such a section.
pub(crate) fn is_misplaced(
    document: &Document,
    names: &'static str,
    section: &'static Section,
    entries: &[(Node, Node)],
    id: NodeId,
) -> bool {
    let Some(index) = entries.iter().position(|(key, _)| key.id == id) else { return false };
    let (key, value) = &entries[index];
    let Some((name, known)) = key.as_text().and_then(|name| Some((name, section.key(name)?))) else { return false };
    let is_key_of_it = match &value.kind {
        NodeKind::Null => false,
        NodeKind::Map(fields) => below_key(known).is_some_and(|deeper| {
            !fields.is_empty() && fields.iter().all(|(key, _)| key.as_text().is_some_and(|key| deeper.has(key)))
        }),
        _ => true,
    };
    if !is_key_of_it {
        return false;
    }
    let what = section.place.trim_start_matches("in ");
    let problem = Problem::error(format!("`{name}` is a key of {what}, not a name below `{names}`"));
    let hint = indentation(document, Level::Names(names, section), entries, index).unwrap_or_else(|| {
        format!("write it below the name of {what}: `{}`", written(section, &flow::entry(name, value)))
    });
    document.add(At::Node(key.id), problem.hint(hint));
    true
}

/// The hint for a key that is not indented enough: the mapping that ends just before it has such a key.
fn indentation(document: &Document, level: Level, entries: &[(Node, Node)], index: usize) -> Option<String> {
    let (key, value) = entries.get(index)?;
    let name = key.as_text()?;
    // Other keys with too little indentation may come between.
    let is_own = |name: &str| match level {
        Level::Keys(section) => section.has(name),
        Level::Names(_, section) => !section.has(name),
    };
    let before = entries[..index].iter().rev();
    let (parent, mut node) =
        before.filter_map(|(key, value)| Some((key.as_text()?, value))).find(|(key, _)| is_own(key))?;
    let mut inner = level.below(parent)?;
    let mut path = match level {
        Level::Names(names, _) => format!("{names}.{parent}"),
        Level::Keys(_) => parent.to_owned(),
    };
    let first = loop {
        match &node.kind {
            NodeKind::Null if inner.has(name) => break None,
            NodeKind::Null if matches!(inner, Level::Names(..)) && matches!(value.kind, NodeKind::Map(_)) => {
                break None;
            }
            NodeKind::Map(fields) if inner.has(name) => break Some(&fields.first()?.0),
            NodeKind::Map(fields) => {
                let (last, deeper) = fields.last()?;
                inner = inner.below(last.as_text()?)?;
                path = format!("{path}.{}", last.as_text()?);
                node = deeper;
            }
            NodeKind::List(items) => node = items.last()?,
            _ => return None,
        }
    };
    let own = document.column(key.id)?;
    let wanted = match first {
        Some(first) => document.column(first.id)?,
        None => own + 2,
    };
    if wanted <= own {
        return None;
    }
    let text = match value.kind {
        NodeKind::Map(_) | NodeKind::List(_) => format!("{name}:"),
        _ => flow::entry(name, value),
    };
    let more = wanted - own;
    Some(format!("indent it by {more} more spaces, so that it stands in `{path}`: `{}{text}`", " ".repeat(wanted)))
}
