//! Reads `modes:`, `mode_files:` and `defaults:` to modes with all that they inherit.

use std::collections::BTreeMap;
use std::path::Path;

use crate::manifest::agent::Agent;
use crate::manifest::document::{At, Document, shown};
use crate::manifest::document_values::named_entries;
use crate::manifest::fields::SectionFields;
use crate::manifest::mode::{Mode, Origin};
use crate::manifest::mode_block::{self, ModeBlock};
use crate::manifest::mode_inheritance::{self as inheritance, BaseModes, Inherited, WrittenBlock};
use crate::manifest::tree::{Node, NodeId};
use crate::manifest::{keys, mode_files, sections, task_section};
use crate::model::names::ModeName;
use crate::model::problem::Problem;

/// The modes as they are written and merged, before their values are read.
#[derive(Debug)]
pub(crate) struct ModesSection<'a> {
    document: &'a Document,
    defaults: Option<SectionFields<'a>>,
    blocks: Vec<WrittenBlock<'a>>,
    /// By the index of the block.
    merged: Vec<Inherited>,
    /// Modes of command files that no block names.
    unnamed: Vec<Inherited>,
}

impl<'a> ModesSection<'a> {
    /// Collects the blocks and merges them. Reads the texts of command files if `with_text` is set.
    pub(crate) fn collect(fields: &SectionFields<'a>, root: &Path, with_text: bool, others: &mut Vec<Problem>) -> Self {
        let document = fields.document;
        let mut bases: BaseModes = Mode::none().map(|mode| (mode.name.clone(), mode)).into_iter().collect();
        for item in fields.items("mode_files") {
            add_mode_files(document, item, (root, with_text), &mut bases, others);
        }
        let defaults = fields.fields_of("defaults");
        let blocks = written_blocks(fields);
        let shared = defaults.map(|defaults| defaults.entries).unwrap_or_default();
        let parents = inheritance::parents(&blocks, &bases);
        let mut merged = inheritance::inherit(&blocks, &parents, &bases, shared);
        let unnamed = bases.values().filter(|mode| blocks.iter().all(|block| block.name != mode.name));
        let is_none = |mode: &Mode| matches!(mode.origin, Origin::BuiltIn);
        let unnamed =
            unnamed.map(|mode| inheritance::of_base(mode, if is_none(mode) { &[] } else { shared })).collect();
        // `none` itself has no defaults; a mode that extends it does.
        let none = blocks.iter().position(|block| bases.get(&block.name).is_some_and(is_none));
        if let Some(place) = none.filter(|_| !shared.is_empty()) {
            merged[place] = inheritance::inherit(&blocks, &parents, &bases, &[]).swap_remove(place);
        }
        Self { document, defaults, blocks, merged, unnamed }
    }

    /// The mode with what it inherits.
    pub(crate) fn inherited(&self, name: &ModeName) -> Option<&Inherited> {
        let written = self.blocks.iter().zip(&self.merged).find(|(block, _)| block.name == *name);
        written.map(|(_, merged)| merged).or_else(|| self.unnamed.iter().find(|merged| merged.base.name == *name))
    }

    /// The mode whose block contains a node of a mode; `None`: it is in `defaults`.
    pub(crate) fn block_with(&self, id: NodeId) -> Option<&ModeName> {
        // Nodes are numbered in the order of the file.
        let blocks = self.blocks.iter().map(|block| (block.fields.id, Some(&block.name)));
        let all = blocks.chain(self.defaults.map(|defaults| (defaults.id, None)));
        all.filter(|(start, _)| *start <= id).max_by_key(|(start, _)| *start).and_then(|(_, name)| name)
    }

    /// Reads the values. The blocks are those of all modes that the manifest says something about.
    pub(crate) fn read(
        &self,
        agents: &BTreeMap<String, Agent>,
        root: &Path,
    ) -> (BTreeMap<ModeName, Mode>, Vec<ModeBlock<'_>>) {
        let document = self.document;
        let mut modes = BTreeMap::new();
        let mut blocks = Vec::new();
        if let (Some(defaults), Some(none)) = (self.defaults, Mode::none()) {
            // Checked by themselves, since no mode may use them.
            let fields = SectionFields { section: &keys::MODE, ..defaults };
            blocks.push(ModeBlock { mode: mode_block::read_values(&fields, none, root), key: defaults.id, fields });
        }
        let written = self.blocks.iter().zip(&self.merged).map(|(block, merged)| (Some(block), merged));
        for (block, merged) in written.chain(self.unnamed.iter().map(|merged| (None, merged))) {
            let (id, key) = match (block, self.defaults) {
                (Some(block), _) => (block.fields.id, block.key),
                (None, Some(defaults)) => (defaults.id, defaults.id),
                (None, None) => {
                    modes.insert(merged.base.name.clone(), merged.base.clone());
                    continue;
                }
            };
            let fields = SectionFields { document, section: &keys::MODE, id, entries: &merged.entries };
            let mut mode = mode_block::read(&fields, merged.base.clone(), root);
            if let Some(block) = block {
                let line = document.key_line("modes:", block.name.as_str()).unwrap_or_else(|| document.line(block.key));
                mode.origin = Origin::Manifest { line };
            }
            let block = ModeBlock { mode, key, fields };
            block.check_agent(agents);
            modes.insert(block.mode.name.clone(), block.mode.clone());
            blocks.push(block);
        }
        (modes, blocks)
    }
}

fn written_blocks<'a>(fields: &SectionFields<'a>) -> Vec<WrittenBlock<'a>> {
    let document = fields.document;
    let mut blocks = Vec::new();
    let entries = fields.read("modes", Document::read_map).unwrap_or_default();
    for (name, key, node) in named_entries(entries) {
        if sections::is_misplaced(document, "modes", &keys::MODE, entries, key) {
            continue;
        }
        let name = match ModeName::parse(name) {
            Ok(name) => name,
            Err(error) => {
                document.error(At::Node(key), format!("`{}` is not a mode name: {error}", shown(name)));
                continue;
            }
        };
        if let Some(fields) = SectionFields::new(document, node, &format!("modes.{name}"), &keys::MODE) {
            mode_block::check_own(&fields, &name);
            blocks.push(WrittenBlock { name, key, fields });
        }
    }
    blocks
}

fn add_mode_files(
    document: &Document,
    item: &Node,
    (root, with_text): (&Path, bool),
    modes: &mut BaseModes,
    others: &mut Vec<Problem>,
) {
    let Some(pattern) = task_section::read_glob(document, item, "mode_files") else { return };
    if Path::new(&pattern).is_absolute() || pattern.split('/').any(|part| part == "..") {
        let problem = Problem::error("`mode_files` must be relative, without `..`");
        document.add(At::Node(item.id), problem.hint("parent folders are searched too"));
        return;
    }
    let found = mode_files::find(root, &pattern, with_text);
    if found.too_many {
        document.error(At::Node(item.id), "`mode_files` matches more than 2000 files");
    }
    if !found.matched && mode_files::is_literal(&pattern) {
        let problem = Problem::error(format!("there is no command file `{}`", shown(&pattern)));
        document.add(At::Node(item.id), problem.hint("it is looked for in the manifest's folder and its parents"));
    }
    others.extend(found.warnings);
    for (name, mode) in found.modes {
        modes.entry(name).or_insert(mode);
    }
}
