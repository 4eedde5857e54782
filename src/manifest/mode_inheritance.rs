//! Merges what a mode inherits, weakest first: `defaults`, the modes that it extends, its own block.
//!
//! Single values and lists replace, mappings are merged by key, null removes. The merged entries are nodes of the file,
//! so a problem is reported, and an origin shown, where the value is written. Reads no values but `extends` and
//! `interactive`.

use std::collections::BTreeMap;

use crate::manifest::fields::SectionFields;
use crate::manifest::mode::{Mode, Origin};
use crate::manifest::mode_block::is_of_other_form;
use crate::manifest::needs::unknown_mode;
use crate::manifest::tree::{Node, NodeId, NodeKind};
use crate::model::cycles::{self, break_cycles};
use crate::model::names::ModeName;
use crate::model::problem::Problem;
use crate::model::run_form::RunForm;

pub(crate) type Entries = Vec<(Node, Node)>;

/// A block of `modes:` as it is written.
#[derive(Debug)]
pub(crate) struct WrittenBlock<'a> {
    pub name: ModeName,
    pub key: NodeId,
    pub fields: SectionFields<'a>,
}

/// A block with what it inherits.
#[derive(Clone, Debug)]
pub(crate) struct Inherited {
    /// What the entries are applied to: the built-in mode, or the nearest command file's.
    pub base: Mode,
    pub entries: Entries,
}

impl Inherited {
    fn form(&self) -> RunForm {
        match value_of(&self.entries, "interactive").map(|node| &node.kind) {
            Some(NodeKind::Bool(interactive)) => RunForm::of_interactive(*interactive),
            _ => self.base.form,
        }
    }
}

/// The modes that are known before `modes:` is read: the built-in one and those of command files.
pub(crate) type BaseModes = BTreeMap<ModeName, Mode>;

/// The mode that each block extends, by its index; `None` also after a problem: an unknown name or a cycle.
pub(crate) fn parents(blocks: &[WrittenBlock<'_>], bases: &BaseModes) -> Vec<Option<ModeName>> {
    let places: BTreeMap<&ModeName, usize> =
        blocks.iter().zip(0..).map(|(block, place)| (&block.name, place)).collect();
    let mut parents: Vec<Option<ModeName>> = blocks.iter().map(|block| parent(block, &places, bases)).collect();
    let mut edges: Vec<Vec<usize>> =
        parents.iter().map(|parent| parent.iter().filter_map(|name| places.get(name).copied()).collect()).collect();
    for cycle in break_cycles(&mut edges) {
        let shown = cycles::shown(cycle.iter().map(|place| blocks[*place].name.as_str()).collect());
        // The last step closes the cycle.
        let Some(closing) = cycle.iter().rev().nth(1) else { continue };
        let problem = Problem::error(format!("`extends` runs in a circle: {shown}")).hint("remove one of the steps");
        blocks[*closing].fields.add_at_value("extends", problem);
        parents[*closing] = None;
    }
    parents
}

fn parent(block: &WrittenBlock<'_>, places: &BTreeMap<&ModeName, usize>, bases: &BaseModes) -> Option<ModeName> {
    let text = block.fields.filled_text("extends")?;
    let found = ModeName::parse(&text).ok().filter(|name| places.contains_key(name) || bases.contains_key(name));
    if found.is_none() {
        let known = places.keys().copied().chain(bases.keys()).map(ModeName::as_str);
        block.fields.add_at_value("extends", unknown_mode(&text, known));
    }
    found
}

/// Each block with what it inherits, by its index. `defaults` are those of the manifest, or none.
pub(crate) fn inherit(
    blocks: &[WrittenBlock<'_>],
    parents: &[Option<ModeName>],
    bases: &BaseModes,
    defaults: &[(Node, Node)],
) -> Vec<Inherited> {
    let places: BTreeMap<&ModeName, usize> =
        blocks.iter().zip(0..).map(|(block, place)| (&block.name, place)).collect();
    let mut done: Vec<Option<Inherited>> = vec![None; blocks.len()];
    for place in 0..blocks.len() {
        // From the block up to the first one that is done or extends no other block.
        let mut path = vec![place];
        while let Some(above) = path.last().and_then(|last| places.get(parents[*last].as_ref()?).copied())
            && done[above].is_none()
        {
            path.push(above);
        }
        for place in path.into_iter().rev().filter(|place| done[*place].is_none()).collect::<Vec<_>>() {
            let block = &blocks[place];
            let from_file = parents[place].as_ref().and_then(|name| Some(of_base(bases.get(name)?, defaults)));
            let above =
                parents[place].as_ref().and_then(|name| places.get(name).and_then(|above| done[*above].clone()));
            let inherited = of_block(block, above.or(from_file), bases.get(&block.name), defaults);
            done[place] = Some(inherited);
        }
    }
    done.into_iter().flatten().collect()
}

/// A mode that has no block: the defaults are laid over it.
pub(crate) fn of_base(base: &Mode, defaults: &[(Node, Node)]) -> Inherited {
    Inherited { base: base.clone(), entries: honoured(defaults, base.form) }
}

fn of_block(
    block: &WrittenBlock<'_>,
    above: Option<Inherited>,
    own_base: Option<&Mode>,
    defaults: &[(Node, Node)],
) -> Inherited {
    let own = block.fields.entries;
    let new = || Mode::new(block.name.clone(), Origin::BuiltIn);
    let Some(above) = above else {
        let base = own_base.cloned().unwrap_or_else(new);
        let form = Inherited { base: base.clone(), entries: own.to_vec() }.form();
        return Inherited { base, entries: laid_over(honoured(defaults, form), own) };
    };
    let wanted = above.form();
    let is_command = own_base.is_some_and(|base| matches!(base.origin, Origin::CommandFile(_)));
    let base = match own_base {
        Some(base) => base.clone(),
        None => {
            let Mode { form, prompt, origin, .. } = above.base;
            Mode { form, prompt, origin, ..new() }
        }
    };
    let mut entries = above.entries;
    // The command file says these itself.
    let replaced: &[&str] = if is_command { &["interactive", "template", "prompt"] } else { &[] };
    entries.retain(|(key, _)| key.as_text().is_none_or(|name| name != "description" && !replaced.contains(&name)));
    entries.extend(defaults.iter().filter(|(key, _)| key.as_text() == Some("description")).cloned());
    let inherited = Inherited { base, entries: laid_over(entries, own) };
    check_form(block, &inherited, wanted);
    inherited
}

fn check_form(block: &WrittenBlock<'_>, inherited: &Inherited, wanted: RunForm) {
    let form = inherited.form();
    if form != wanted {
        let (is, wants) = (form.as_str(), wanted.as_str());
        let problem = Problem::error(format!("mode `{}` is {is} and extends a mode that is {wants}", block.name));
        block.fields.add_at_value("extends", problem.hint("a mode can extend modes of its own kind only"));
    }
}

/// The defaults that a mode of this form can honour.
fn honoured(defaults: &[(Node, Node)], form: RunForm) -> Entries {
    let is_honoured = |key: &Node| key.as_text().is_none_or(|name| !is_of_other_form(name, form));
    defaults.iter().filter(|(key, _)| is_honoured(key)).cloned().collect()
}

fn value_of<'e>(entries: &'e [(Node, Node)], name: &str) -> Option<&'e Node> {
    entries.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
}

/// The entries of a mode with those of a stronger block: `template` and `prompt` replace each other.
fn laid_over(mut below: Entries, over: &[(Node, Node)]) -> Entries {
    let is_given = |name: &str| value_of(over, name).is_some_and(|node| !matches!(node.kind, NodeKind::Null));
    for (given, replaced) in [("template", "prompt"), ("prompt", "template")] {
        if is_given(given) {
            below.retain(|(key, _)| key.as_text() != Some(replaced));
        }
    }
    merged(below, over)
}

fn merged(mut below: Entries, over: &[(Node, Node)]) -> Entries {
    for (key, value) in over {
        let place = below.iter().position(|(known, _)| known.as_text().is_some() && known.as_text() == key.as_text());
        match (place, &value.kind) {
            (None, _) => below.push((key.clone(), value.clone())),
            (Some(place), NodeKind::Null) => {
                below.remove(place);
            }
            (Some(place), kind) => {
                let inner = match (std::mem::replace(&mut below[place].1.kind, NodeKind::Null), kind) {
                    (NodeKind::Map(inner), NodeKind::Map(over)) => NodeKind::Map(merged(inner, over)),
                    (_, kind) => kind.clone(),
                };
                below[place] = (key.clone(), Node { id: value.id, kind: inner });
            }
        }
    }
    below
}
